/*
  T1, T4, T5: the bits of a number that is not above a constant.

  in          {COUNT}  the number, constrained to [0, MAX] as an integer
  bit[COUNT]  {1}      its bits, lowest first

  MAX is a constant of exactly COUNT bits and below p, so one reading is left, also where 2^COUNT passes p.

  From the highest bit down, equal[i] says whether the bits from i upwards are those of MAX. While they are, a bit
  may be 1 only where MAX has a 1; once a bit is 0 where MAX has a 1 the number is smaller, and the rest are plain bits.
  Where MAX has a 0 the bit's own equation says both at once, so that the comparison costs a product
  for each 1 of MAX below its highest and nothing else: 99 for p − 1, 113 for l − 1. docs/spec/transfer.md argues it.
*/
pragma circom 2.1.6;

template BitsAtMost(COUNT, MAX) {
    assert(MAX >> (COUNT - 1) == 1);
    signal input in;
    signal output bit[COUNT];

    signal equal[COUNT + 1];
    equal[COUNT] <== 1;
    var sum = 0;
    for (var i = COUNT - 1; i >= 0; i--) {
        var one = (MAX >> i) & 1;
        var limit = one == 1 ? 1 : 1 - equal[i + 1];
        // One of two values by the line after it; which of them, by the sum behind the loop.
        bit[i] <-- (in >> i) & 1;
        bit[i] * (limit - bit[i]) === 0; // T1, T4, T5
        if (one == 1) {
            equal[i] <== equal[i + 1] * bit[i];
        } else {
            equal[i] <== equal[i + 1];
        }
        sum += bit[i] * 2 ** i;
    }
    sum === in; // T1, T4, T5
}
