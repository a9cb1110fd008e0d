/*
  T10, U12: the list x as a polynomial at z.

  in[LENGTH]  {field}  x_0 .. x_(LENGTH-1)
  z           {field}  the challenge
  out         {field}  x_0·z^(LENGTH-1) + .. + x_(LENGTH-1)
*/
pragma circom 2.1.6;

template Horner(LENGTH) {
    signal input in[LENGTH];
    signal input z;
    signal output out;

    signal sum[LENGTH];
    sum[0] <== in[0];
    for (var i = 1; i < LENGTH; i++) { sum[i] <== sum[i - 1] * z + in[i]; }
    out <== sum[LENGTH - 1];
}
