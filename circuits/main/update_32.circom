pragma circom 2.1.6;
include "../lib/update.circom";

component main { public [h, z, y] } = Update(32, 5);
