pragma circom 2.1.6;
include "../lib/transfer.circom";

component main { public [h, z, y] } = Transfer(1, 1);
