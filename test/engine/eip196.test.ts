/**
 * The group against vectors of others: the precompiles of EIP-196, as go-ethereum tests its own (core/vm/testdata/precompiles,
 * bn256Add.json and bn256ScalarMul.json, by their names there). Words of 32 bytes; two zeros are infinity.
 */
import { describe, expect, it } from 'vitest';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { addPoints, multiple, type Point } from '../../prover/engine/reference/curve.js';
import { batchAddScratchBytes, ENTRY_BYTES } from '../../prover/engine/sizes.js';
import { wasmSum } from '../webgpu/wasmSum.js';
import { Harness } from './harness.js';
import { getPoint, getProjective, putPoint } from './points.js';

/** A name, then the words of the input and of what it gives. */
type Vector = readonly [name: string, words: readonly string[]];

/** x1, y1, x2, y2; x, y. */
const ADD: readonly Vector[] = [
  [
    'chfast1',
    [
      '18b18acfb4c2c30276db5411368e7185b311dd124691610c5d3b74034e093dc9',
      '63c909c4720840cb5134cb9f59fa749755796819658d32efc0d288198f37266',
      '7c2b7f58a84bd6145f00c9c2bc0bb1a187f20ff2c92963a88019e7c6a014eed',
      '6614e20c147e940f2d70da3f74c9a17df361706a4485c742bd6788478fa17d7',
      '2243525c5efd4b9c3d3c45ac0ca3fe4dd85e830a4ce6b65fa1eeaee202839703',
      '301d1d33be6da8e509df21cc35964723180eed7532537db9ae5e7d48f195c915',
    ],
  ],
  [
    'chfast2',
    [
      '2243525c5efd4b9c3d3c45ac0ca3fe4dd85e830a4ce6b65fa1eeaee202839703',
      '301d1d33be6da8e509df21cc35964723180eed7532537db9ae5e7d48f195c915',
      '18b18acfb4c2c30276db5411368e7185b311dd124691610c5d3b74034e093dc9',
      '63c909c4720840cb5134cb9f59fa749755796819658d32efc0d288198f37266',
      '2bd3e6d0f3b142924f5ca7b49ce5b9d54c4703d7ae5648e61d02268b1a0a9fb7',
      '21611ce0a6af85915e2f1d70300909ce2e49dfad4a4619c8390cae66cefdb204',
    ],
  ],
  ['cdetrio6', ['0', '0', '1', '2', '1', '2']],
  ['cdetrio8', ['1', '2', '0', '0', '1', '2']],
  [
    'cdetrio11',
    [
      '1',
      '2',
      '1',
      '2',
      '30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3',
      '15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4',
    ],
  ],
  [
    'cdetrio13',
    [
      '17c139df0efee0f766bc0204762b774362e4ded88953a39ce849a8a7fa163fa9',
      '1e0559bacb160664764a357af8a9fe70baa9258e0b959273ffc5718c6d4cc7c',
      '39730ea8dff1254c0fee9c0ea777d29a9c710b7e616683f194f18c43b43b869',
      '73a5ffcc6fc7a28c30723d6e58ce577356982d65b833a5a5c15bf9024b43d98',
      '15bf2bb17880144b5d1cd2b1f46eff9d617bffd1ca57c37fb5a49bd84e53cf66',
      '49c797f9ce0d17083deb32b5e36f2ea2a212ee036598dd7624c168993d1355f',
    ],
  ],
  [
    'cdetrio14',
    [
      '17c139df0efee0f766bc0204762b774362e4ded88953a39ce849a8a7fa163fa9',
      '1e0559bacb160664764a357af8a9fe70baa9258e0b959273ffc5718c6d4cc7c',
      '17c139df0efee0f766bc0204762b774362e4ded88953a39ce849a8a7fa163fa9',
      '2e83f8d734803fc370eba25ed1f6b8768bd6d83887b87165fc2434fe11a830cb',
      '0',
      '0',
    ],
  ],
];

/** x, y, scalar; x, y. Scalars may be above the group order. */
const MULTIPLY: readonly Vector[] = [
  [
    'chfast1',
    [
      '2bd3e6d0f3b142924f5ca7b49ce5b9d54c4703d7ae5648e61d02268b1a0a9fb7',
      '21611ce0a6af85915e2f1d70300909ce2e49dfad4a4619c8390cae66cefdb204',
      '11138ce750fa15c2',
      '70a8d6a982153cae4be29d434e8faef8a47b274a053f5a4ee2a6c9c13c31e5c',
      '31b8ce914eba3a9ffb989f9cdd5b0f01943074bf4f0f315690ec3cec6981afc',
    ],
  ],
  [
    'chfast2',
    [
      '70a8d6a982153cae4be29d434e8faef8a47b274a053f5a4ee2a6c9c13c31e5c',
      '31b8ce914eba3a9ffb989f9cdd5b0f01943074bf4f0f315690ec3cec6981afc',
      '30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd46',
      '25a6f4181d2b4ea8b724290ffb40156eb0adb514c688556eb79cdea0752c2bb',
      '2eff3f31dea215f1eb86023a133a996eb6300b44da664d64251d05381bb8a02e',
    ],
  ],
  [
    'chfast3',
    [
      '25a6f4181d2b4ea8b724290ffb40156eb0adb514c688556eb79cdea0752c2bb',
      '2eff3f31dea215f1eb86023a133a996eb6300b44da664d64251d05381bb8a02e',
      '183227397098d014dc2822db40c0ac2ecbc0b548b438e5469e10460b6c3e7ea3',
      '14789d0d4a730b354403b5fac948113739e276c23e0258d8596ee72f9cd9d323',
      'af18a63153e0ec25ff9f2951dd3fa90ed0197bfef6e2a1a62b5095b9d2b4a27',
    ],
  ],
  [
    'cdetrio1',
    [
      '1a87b0584ce92f4593d161480614f2989035225609f08058ccfa3d0f940febe3',
      '1a2f3c951f6dadcc7ee9007dff81504b0fcd6d7cf59996efdc33d92bf7f9f8f6',
      'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      '2cde5879ba6f13c0b5aa4ef627f159a3347df9722efce88a9afbb20b763b4c41',
      '1aa7e43076f6aee272755a7f9b84832e71559ba0d2e0b17d5f9f01755e5b0d11',
    ],
  ],
  [
    'cdetrio2',
    [
      '1a87b0584ce92f4593d161480614f2989035225609f08058ccfa3d0f940febe3',
      '1a2f3c951f6dadcc7ee9007dff81504b0fcd6d7cf59996efdc33d92bf7f9f8f6',
      '30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000',
      '1a87b0584ce92f4593d161480614f2989035225609f08058ccfa3d0f940febe3',
      '163511ddc1c3f25d396745388200081287b3fd1472d8339d5fecb2eae0830451',
    ],
  ],
  [
    'cdetrio8',
    [
      '17c139df0efee0f766bc0204762b774362e4ded88953a39ce849a8a7fa163fa9',
      '1e0559bacb160664764a357af8a9fe70baa9258e0b959273ffc5718c6d4cc7c',
      '100000000000000000000000000000000',
      '221a3577763877920d0d14a91cd59b9479f83b87a653bb41f82a3f6f120cea7c',
      '2752c7f64cdd7f0e494bff7b60419f242210f2026ed2ec70f89f78a4c56a1f15',
    ],
  ],
  [
    'cdetrio14',
    [
      '39730ea8dff1254c0fee9c0ea777d29a9c710b7e616683f194f18c43b43b869',
      '73a5ffcc6fc7a28c30723d6e58ce577356982d65b833a5a5c15bf9024b43d98',
      '9',
      '19f75b9dd68c080a688774a6213f131e3052bd353a304a189d7a2ee367e3c258',
      '2612f545fb9fc89fde80fd81c68fc7dcb27fea5fc124eeda69433cf5c46d2d7f',
    ],
  ],
];

const numbers = (words: readonly string[]): bigint[] => words.map((word) => BigInt(`0x${word}`));
const pointOf = (x: bigint | undefined, y: bigint | undefined): Point => (x || y ? { x: [x as bigint], y: [y as bigint] } : undefined);
const harness = await Harness.create();

describe('EIP-196, addition', () => {
  const sums = ADD.map(([name, words]) => {
    const [x1, y1, x2, y2, x, y] = numbers(words);
    return { name, left: pointOf(x1, y1), right: pointOf(x2, y2), sum: pointOf(x, y) };
  });
  const { affineBytes, projectiveBytes, elementBytes } = harness.instance.info.curves.g1;

  it.each(sums)('$name: reference, complete and batched addition', ({ left, right, sum }) => {
    expect(addPoints(left, right)).toEqual(sum);
    const [a, b, out] = [projectiveBytes, projectiveBytes, projectiveBytes].map((size) => harness.alloc(size)) as [number, number, number];
    const [first, second, result, list] = [affineBytes, affineBytes, affineBytes, ENTRY_BYTES].map((size) => harness.alloc(size)) as [
      number,
      number,
      number,
      number,
    ];
    putPoint(harness, 'g1', left, first);
    putPoint(harness, 'g1', right, second);
    harness.run('g1_lift', a, first);
    harness.run('g1_lift', b, second);
    harness.run('g1_add', out, a, b, harness.alloc(4096));
    expect(getProjective(harness, 'g1', out)).toEqual(sum);
    harness.instance.words.set([first, second, result], list / 4);
    harness.run('g1_batchAdd', list, 1, harness.alloc(batchAddScratchBytes(elementBytes, 1)));
    expect(getPoint(harness, 'g1', result)).toEqual(sum);
  });
});

describe('EIP-196, multiplication', () => {
  const products = MULTIPLY.map(([name, words]) => {
    const [x, y, scalar, x3, y3] = numbers(words) as [bigint, bigint, bigint, bigint, bigint];
    return { name, base: { x: [x], y: [y] }, scalar, product: pointOf(x3, y3) };
  });

  it.each(products)('$name: reference and multi-exponentiation', async ({ base, scalar, product }) => {
    expect(multiple(base, scalar % SCALAR_FIELD.prime)).toEqual(product);
    expect(await wasmSum([base], [scalar])).toEqual(product);
  });

  it('all of them in one multi-exponentiation', async () => {
    const expected = products.reduce<Point>((sum, { product }) => addPoints(sum, product), undefined);
    const sum = await wasmSum(
      products.map(({ base }) => base),
      products.map(({ scalar }) => scalar),
    );
    expect(sum).toEqual(expected);
  });
});
