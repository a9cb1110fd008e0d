import { bytesToHex as nobleHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE8, isInSubgroup, mul, mulBase8, SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { isTacitError } from '../../protocol/errors.js';
import { deriveAccount, fullViewingKey, incomingViewingKey, networkForChain, wideScalar } from '../../protocol/keys.js';
import { generateMnemonic, mnemonicToSeed } from '../../protocol/mnemonic.js';
import { code } from './walletErrors.js';

// Source: the reference vectors of BIP-39 (trezor/python-mnemonic, vectors.json), passphrase "TREZOR".
const BIP39_WORDS = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const BIP39_SEED =
  '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607';

describe('recovery phrase', () => {
  it('gives the seed of the BIP-39 vector', () => {
    expect(nobleHex(mnemonicToSeed(BIP39_WORDS, 'TREZOR'))).toBe(BIP39_SEED);
    expect(nobleHex(mnemonicToSeed(`  ${BIP39_WORDS.toUpperCase().replaceAll(' ', '  ')} `, 'TREZOR'))).toBe(BIP39_SEED);
  });

  it('is fresh each time and valid', () => {
    const [one, two] = [generateMnemonic(), generateMnemonic()];
    expect(one).not.toBe(two);
    expect(one.split(' ')).toHaveLength(24);
    expect(mnemonicToSeed(one)).toHaveLength(64);
  });

  it.each(['', 'legal winner', `${BIP39_WORDS} legal`, BIP39_WORDS.replace('yellow', 'zoo'), BIP39_WORDS.replace('legal', 'tacit')])(
    'refuses %j',
    (words) => {
      expect(code(() => mnemonicToSeed(words))).toBe('MNEMONIC_INVALID');
    },
  );
});

describe('account keys', () => {
  const seed = mnemonicToSeed(BIP39_WORDS, 'TREZOR');

  it('multiples of the base point are the same with its table and without', () => {
    for (const k of [0n, 1n, 2n, SUBGROUP_ORDER >> 1n, SUBGROUP_ORDER - 1n]) expect(mulBase8(k)).toEqual(mul(BASE8, k));
    const scalars = fc.bigInt({ min: 0n, max: SUBGROUP_ORDER - 1n });
    fc.assert(
      fc.property(scalars, (k) => void expect(mulBase8(k)).toEqual(mul(BASE8, k))),
      { seed: 20261121, numRuns: 20 },
    );
    for (const k of [-1n, SUBGROUP_ORDER]) expect(code(() => mulBase8(k))).toBe('SCALAR_RANGE');
  });

  it('are the same for the same path and scalars lie in [1, l)', () => {
    const [one, two] = [deriveAccount(seed, 'dev', 3), deriveAccount(seed, 'dev', 3)];
    expect(one).toEqual(two);
    expect(one.spend > 0n && one.spend < SUBGROUP_ORDER).toBe(true);
    expect(one.address.A).toEqual(mulBase8(one.spend));
    expect(one.address.N).toEqual(mulBase8(one.nullifier));
    expect(isInSubgroup(one.address.A) && isInSubgroup(one.address.N)).toBe(true);
  });

  it('are pinned: another derivation would strand funds', () => {
    const keys = deriveAccount(seed, 'dev', 0);
    expect(keys.spend.toString(16)).toMatchInlineSnapshot(`"4b7df19370202942961fa091b2684f6c16cfbde7e73a6b18fb13364cbcf2eb4"`);
    expect(nobleHex(keys.view)).toMatchInlineSnapshot(`"520925b1df8912f91e131d2181cd126fce646871e7214053a6cedbfbd6fc3e8a"`);
  });

  it('share nothing between indexes, networks and roles', () => {
    const all = (['main', 'test', 'dev'] as const).flatMap((network) =>
      [0, 1, 2 ** 31 - 1].map((index) => deriveAccount(seed, network, index)),
    );
    const secrets = all.flatMap((keys) => [
      keys.spend.toString(16),
      keys.nullifier.toString(16),
      nobleHex(keys.view),
      nobleHex(keys.outgoing),
      nobleHex(keys.noncePrefix),
    ]);
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it('viewing keys leave the spend scalar out', () => {
    const keys = deriveAccount(seed, 'dev', 0);
    expect(Object.values(fullViewingKey(keys))).not.toContain(keys.spend);
    expect(Object.values(incomingViewingKey(keys))).not.toContain(keys.spend);
    expect(Object.values(incomingViewingKey(keys))).not.toContain(keys.nullifier);
  });

  it('refuses bad seeds and indexes', () => {
    expect(code(() => deriveAccount(seed.slice(0, 15), 'dev', 0))).toBe('SEED_SIZE');
    for (const index of [-1, 0.5, 2 ** 31, Number.NaN]) expect(code(() => deriveAccount(seed, 'dev', index))).toBe('ADDRESS_INDEX');
  });

  it('names the network of a chain', () => {
    expect([31337, 1337n].map(networkForChain)).toEqual(['dev', 'dev']);
    expect([11155111, 17000n, 560048, 84532, 421614, 11155420].map(networkForChain)).toEqual(Array(6).fill('test'));
  });

  it('takes every chain that it does not know for one with real money', () => {
    expect([1, 10, 137, 8453, 42161, 100n, 2n ** 64n].map(networkForChain)).toEqual(Array(7).fill('main'));
  });

  it('wide scalars are reduced, and zero is refused', () => {
    expect(code(() => wideScalar(new Uint8Array(64)))).toBe('SCALAR_ZERO');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        try {
          const scalar = wideScalar(bytes);
          return scalar > 0n && scalar < SUBGROUP_ORDER;
        } catch (error) {
          return isTacitError(error, 'SCALAR_ZERO');
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});
