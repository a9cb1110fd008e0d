/** Seeded randomness and a small true world for the tests of the wallet's half of the protocol. */
import { sha256 } from '@noble/hashes/sha2.js';
import { NoteTree } from '../../ledger/tree.js';
import { bytesToUint, concatBytes, uintToBytes } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import type { Field } from '../../protocol/flavor.js';
import { type AccountKeys, deriveAccount } from '../../protocol/keys.js';
import { commitment, nullifier } from '../../protocol/note.js';
import { deriveForSender, type OneTime, oneTimeSecrets, x25519Public } from '../../protocol/onetime.js';
import { type Domain, recordMessage, type TransferRecord } from '../../protocol/record.js';
import { signMessage } from '../../protocol/signature.js';
import type { OutputNote, SpendInput, TransferWitness } from '../../protocol/transfer.js';

export const DOMAIN: Domain = { chainId: 31337n, contract: `0x${'c0'.repeat(20)}` };
export const ASSET_A = 0;
export const ASSET_B = 7;

/** A stream of bytes from a label: the same label gives the same test. */
export class SeededBytes {
  #counter = 0;
  readonly #label: Uint8Array;
  constructor(label: string) {
    this.#label = new TextEncoder().encode(label);
  }
  bytes = (sizeBytes: number): Uint8Array => {
    let out: Uint8Array = new Uint8Array(0);
    while (out.length < sizeBytes) out = concatBytes(out, sha256(concatBytes(this.#label, uintToBytes(this.#counter++, 4))));
    return out.slice(0, sizeBytes);
  };
  below(end: bigint): bigint {
    return bytesToUint(this.bytes(48)) % end;
  }
}

export function account(name: string, index = 0): AccountKeys {
  return deriveAccount(new SeededBytes(name).bytes(64), 'dev', index);
}

export interface OwnedNote {
  readonly keys: AccountKeys;
  readonly oneTime: OneTime;
  readonly aPrime: bigint;
  readonly nPrime: bigint;
  readonly asset: number;
  readonly value: bigint;
  readonly cm: Field;
  readonly position: bigint;
}

export interface Terms {
  readonly inputs: readonly [{ asset: number; value: bigint }, { asset: number; value: bigint }];
  readonly outputs: readonly [{ asset: number; value: bigint }, { asset: number; value: bigint }];
  readonly withdrawal?: { asset: number; value: bigint };
  readonly fee?: { asset: number; value: bigint };
}

/** 10 + 20 of asset A in; 25 out to Bob, 2 withdrawn, 1 fee, 2 change. */
export const USUAL: Terms = {
  inputs: [
    { asset: ASSET_A, value: 10n },
    { asset: ASSET_A, value: 20n },
  ],
  outputs: [
    { asset: ASSET_A, value: 25n },
    { asset: ASSET_A, value: 2n },
  ],
  withdrawal: { asset: ASSET_A, value: 2n },
  fee: { asset: ASSET_A, value: 1n },
};

export interface World {
  readonly tree: NoteTree;
  readonly notes: readonly [OwnedNote, OwnedNote];
  readonly outputs: readonly [OutputNote, OutputNote];
  readonly random: SeededBytes;
}

/** Alice's two input notes in a tree, and outputs for Bob and for herself. */
export function world(label: string, terms: Terms): World {
  const random = new SeededBytes(label);
  const alice = account(`${label}/alice`);
  const bob = account(`${label}/bob`);
  const tree = NoteTree.genesis();
  const notes = terms.inputs.map(({ asset, value }, i) => {
    const oneTime = deriveForSender(random.bytes(32), alice.address, 0, 'transfer');
    const secrets = oneTimeSecrets(alice, oneTime);
    return {
      keys: alice,
      oneTime,
      ...secrets,
      asset,
      value,
      cm: commitment({ owner: oneTime.owner, asset, value }),
      position: BigInt(4 + i),
    };
  }) as [OwnedNote, OwnedNote];
  tree.insertBatch(4n, [notes[0].value === 0n ? 0n : notes[0].cm, notes[1].value === 0n ? 0n : notes[1].cm, 0n, 0n]);
  const outputs = terms.outputs.map((output, k) => ({
    ...output,
    owner: deriveForSender(random.bytes(32), k === 0 ? bob.address : alice.address, k as 0 | 1, 'transfer').owner,
  })) as [OutputNote, OutputNote];
  return { tree, notes, outputs, random };
}

/** The witness that the world gives, signed by both inputs; `change` may break it before or after signing. */
export function witness(
  w: World,
  terms: Terms,
  change: {
    record?: Partial<TransferRecord>;
    inputs?: [Partial<SpendInput>, Partial<SpendInput>];
    outputs?: [Partial<OutputNote>, Partial<OutputNote>];
  } = {},
): TransferWitness {
  const inputs = w.notes.map((note, i) => ({
    APrime: note.oneTime.APrime,
    nPrime: note.nPrime,
    asset: note.asset,
    value: note.value,
    position: note.position,
    path: w.tree.path(note.position),
    ...change.inputs?.[i],
  }));
  const outputs = w.outputs.map((output, k) => ({ ...output, ...change.outputs?.[k] })) as [OutputNote, OutputNote];
  const safe = (compute: () => Field, otherwise: Field) => {
    try {
      return compute();
    } catch {
      return otherwise;
    }
  };
  const record: TransferRecord = {
    nf1: nullifier(w.notes[0].nPrime, w.notes[0].cm, w.notes[0].position),
    nf2: nullifier(w.notes[1].nPrime, w.notes[1].cm, w.notes[1].position),
    cm1: safe(() => commitment(outputs[0]), 1n),
    cm2: safe(() => commitment(outputs[1]), 2n),
    outAsset: terms.withdrawal?.asset ?? 0,
    outValue: terms.withdrawal?.value ?? 0n,
    recipient: terms.withdrawal === undefined ? ZERO_ADDRESS : `0x${'ab'.repeat(20)}`,
    feeAsset: terms.fee?.asset ?? 0,
    fee: terms.fee?.value ?? 0n,
    ephemeral: x25519Public(w.random.bytes(32)),
    ciphertexts: [w.random.bytes(32), w.random.bytes(32)],
    ...change.record,
  };
  const M = recordMessage(record, DOMAIN);
  const signed = inputs.map((input, i) => {
    const note = w.notes[i] as OwnedNote;
    return { ...input, signature: signMessage(note.aPrime, note.keys.noncePrefix, M, w.random.bytes(32)) };
  }) as unknown as [SpendInput, SpendInput];
  return { record, inputs: signed, outputs, anchor: w.tree.root };
}
