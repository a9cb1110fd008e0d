/** What the scan takes for the wallet's own, and what it does not, whatever a hostile payer writes. */
import { describe, expect, it } from 'vitest';
import type { DepositItem } from '../../client/chainState.js';
import { noteSecrets, Scanner } from '../../client/scan.js';
import { mulBase8 } from '../../protocol/babyjubjub.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { encodeMemo, encryptNote } from '../../protocol/encryption.js';
import type { Address } from '../../protocol/keys.js';
import { commitment } from '../../protocol/note.js';
import { deriveForSender, type NoteLabel, type OutputIndex, streamKey, x25519Public } from '../../protocol/onetime.js';
import type { TransferRecord } from '../../protocol/record.js';
import { account, SeededBytes } from '../protocol/walletSupport.js';

const random = new SeededBytes('scan');
const alice = account('scan/alice');
const alice1 = account('scan/alice', 1);
const mallory = account('scan/mallory');
const scanner = new Scanner([alice, alice1]);
const place = { position: 4n, block: 1, tx: '0x01', from: '0x02' };
const ASSETS = 2;
const memo = encodeMemo('hello');

interface Output {
  readonly to: Address;
  readonly asset: number;
  readonly value: bigint;
  /** What the ciphertext claims instead of the truth. */
  readonly claim?: { asset?: number; value?: bigint };
}

function output(e: Uint8Array, k: OutputIndex, label: NoteLabel, { to, asset, value, claim }: Output) {
  const oneTime = deriveForSender(e, to, k, label);
  const cm = commitment({ owner: oneTime.owner, asset, value });
  const key = streamKey(oneTime.sharedSecret, x25519Public(e), to.V, k, cm, label);
  return { cm, ciphertext: encryptNote({ asset, value, memo, ...claim }, key), owner: oneTime.owner };
}

function record(outputs: [Output, Output], e = random.bytes(32)): TransferRecord {
  const [one, two] = [output(e, 0, 'transfer', outputs[0]), output(e, 1, 'transfer', outputs[1])];
  return {
    nf1: 1n,
    nf2: 2n,
    cm1: one.cm,
    cm2: two.cm,
    outAsset: 0,
    outValue: 0n,
    recipient: ZERO_ADDRESS,
    feeAsset: 0,
    fee: 0n,
    ephemeral: x25519Public(e),
    ciphertexts: [one.ciphertext, two.ciphertext],
  };
}

const to = (who: Address, value = 5n, asset = 1): Output => ({ to: who, asset, value });
const scan = (r: TransferRecord, scannerUsed = scanner) => scannerUsed.scanRecord(r, place, ASSETS);

describe('scanning records', () => {
  it('finds both outputs of every address, at their positions, with their secrets', () => {
    const found = scan(record([to(alice.address), to(alice1.address, 7n)]));
    expect(found.map(({ account: index, value, position, k }) => [index, value, position, k])).toEqual([
      [0, '5', 4, 0],
      [1, '7', 5, 1],
    ]);
    const secrets = noteSecrets(alice, found[0] as (typeof found)[0]);
    expect(mulBase8(secrets.aPrime)).toEqual(secrets.APrime);
  });

  it('leaves other people’s notes alone', () => {
    expect(scan(record([to(mallory.address), to(mallory.address)]))).toEqual([]);
    expect(scan(record([to(mallory.address), to(alice.address)]))).toHaveLength(1);
  });

  it('A8: duplicates under one ephemeral key are notes of their own, by position', () => {
    const e = random.bytes(32);
    const twice = [4n, 8n].flatMap((position) =>
      scanner.scanRecord(record([to(alice.address), to(mallory.address)], e), { ...place, position }, ASSETS),
    );
    expect(twice).toHaveLength(2);
    expect(twice[0]?.cm).toBe(twice[1]?.cm);
    expect(twice[0]?.nf).not.toBe(twice[1]?.nf);
  });

  it.each([
    ['a larger value than the commitment has', { value: 500n }],
    ['another asset', { asset: 2 }],
    ['an asset that does not exist', { asset: 3 }],
    ['no value', { value: 0n }],
  ])('ignores a ciphertext that claims %s', (_, claim) => {
    expect(scan(record([{ ...to(alice.address), claim }, to(mallory.address)]))).toEqual([]);
  });

  it('ignores notes of value 0 and of unknown assets', () => {
    expect(scan(record([to(alice.address, 0n), to(alice.address, 5n, 3)]))).toEqual([]);
  });

  it('ignores swapped or altered ciphertexts', () => {
    const good = record([to(alice.address), to(alice.address, 7n)]);
    expect(scan({ ...good, ciphertexts: [good.ciphertexts[1], good.ciphertexts[0]] })).toEqual([]);
    expect(scan({ ...good, ciphertexts: [Uint8Array.from(good.ciphertexts[0], (byte) => byte ^ 1), good.ciphertexts[1]] })).toHaveLength(1);
  });

  it('A9: a low-order, zero or random ephemeral key stops nothing and finds nothing', () => {
    const good = record([to(alice.address), to(mallory.address)]);
    const one = new Uint8Array(32);
    one[0] = 1;
    for (const ephemeral of [new Uint8Array(32), one, new Uint8Array(32).fill(0xff), random.bytes(32)])
      expect(scan({ ...good, ephemeral })).toEqual([]);
  });
});

describe('scanning deposits', () => {
  const deposit = (o: Output, label: NoteLabel = 'deposit'): DepositItem => {
    const e = random.bytes(32);
    const { cm, ciphertext, owner } = output(e, 0, label, o);
    return { kind: 'deposit', asset: o.asset, value: o.value, owner, commitment: cm, ephemeral: x25519Public(e), ciphertext };
  };
  const scanIt = (item: DepositItem) => scanner.scanDeposit(item, { position: 9n, block: 1, tx: '0x01' });

  it('finds one’s own', () => {
    expect(scanIt(deposit(to(alice1.address)))).toMatchObject([{ account: 1, value: '5', position: 9, label: 'deposit' }]);
  });

  it('ignores others’, lying ones, and transfers’ keys', () => {
    expect(scanIt(deposit(to(mallory.address)))).toEqual([]);
    expect(scanIt(deposit({ ...to(alice.address), claim: { value: 6n } }))).toEqual([]);
    expect(scanIt(deposit(to(alice.address), 'transfer'))).toEqual([]);
    expect(scanIt({ ...deposit(to(alice.address)), ephemeral: new Uint8Array(32) })).toEqual([]);
  });
});
