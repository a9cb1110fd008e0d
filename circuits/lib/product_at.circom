/*
  U12: the monic polynomial with the given roots, at z.

  root[COUNT]  {field}
  z            {field}
  out          {field}  (z − root_0)·..·(z − root_(COUNT−1))

  Two lists fixed before z is drawn give the same value only if they are permutations of each other,
  except with probability COUNT / p.
*/
pragma circom 2.1.6;

template ProductAt(COUNT) {
    signal input root[COUNT];
    signal input z;
    signal output out;

    signal product[COUNT];
    product[0] <== z - root[0];
    for (var i = 1; i < COUNT; i++) { product[i] <== product[i - 1] * (z - root[i]); }
    out <== product[COUNT - 1];
}
