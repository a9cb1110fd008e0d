/**
 * `batch.json`: the fold of one settlement as a file, with all that is needed to verify it and nothing else.
 *
 * For each proof it holds the public list x and the prover's commitment h. The challenge z and the value y are not in the
 * file: whoever reads it derives them, so that a file cannot state another list than the one its proofs are about. The
 * keys are the contract's own blob (keyBlob.ts); its hash is what the contract answers to `keysHash()`.
 * Schema for other programs: docs/schemas/batch.schema.json.
 */
import { z } from 'zod';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName, circuitById } from '../protocol/circuit.js';
import { fieldFromBytes, fieldToBytes } from '../protocol/field.js';
import { publicInputsOf } from '../protocol/fingerprint.js';
import type { Field, Hex } from '../protocol/flavor.js';
import type { FoldItem, KeyTable } from '../protocol/fold.js';
import { decodeProof, encodeProof, PROOF_BYTES } from '../protocol/proof.js';
import type { Domain } from '../protocol/record.js';
import { address, decimal, hex32, hexBytes, parseJson } from './jsonFile.js';
import { decodeKeyBlob, encodeKeyBlob, keyBlobHash } from './keyBlob.js';

export const BATCH_FORMAT = 'tacit-batch';
export const BATCH_VERSION = 1;

const item = z.strictObject({
  circuit: z.enum(Object.keys(CIRCUITS) as [CircuitName, ...CircuitName[]]),
  h: hex32,
  /** x: the context, then nine elements a record or four a slot. */
  list: z.array(hex32).min(1),
  /** A, B, C in the order of EIP-197. */
  proof: z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * PROOF_BYTES}}$`)),
});

export const batchSchema = z.strictObject({
  format: z.literal(BATCH_FORMAT),
  version: z.literal(BATCH_VERSION),
  chainId: decimal,
  contract: address,
  keys: hexBytes,
  /** In the order of the fold: transfer proofs, then updates. */
  items: z.array(item).min(1),
});

export type BatchFile = z.infer<typeof batchSchema>;

/** What a file says once everything that can be derived has been derived. */
export interface Batch {
  readonly domain: Domain;
  readonly keys: KeyTable;
  readonly keysHash: Hex;
  readonly items: readonly FoldItem[];
  readonly lists: readonly (readonly Field[])[];
}

/** The file of a fold. @param lists x of each item, as `settlementStatements` gives them */
export function encodeBatchFile(domain: Domain, keys: KeyTable, items: readonly FoldItem[], lists: readonly (readonly Field[])[]): string {
  const file: BatchFile = {
    format: BATCH_FORMAT,
    version: BATCH_VERSION,
    chainId: domain.chainId.toString(),
    contract: domain.contract,
    keys: bytesToHex(encodeKeyBlob(keys)),
    items: items.map(({ circuitId, publicInputs, proof }, i) => ({
      circuit: circuitById(circuitId).name,
      h: word(publicInputs.h),
      list: (lists[i] ?? []).map(word),
      proof: bytesToHex(encodeProof(proof)),
    })),
  };
  return `${JSON.stringify(batchSchema.parse(file))}\n`;
}

/** @throws TacitError BATCH_FORMAT when the text is no batch file of this version */
export function parseBatchFile(text: string): BatchFile {
  return parseJson(text, batchSchema, 'BATCH_FORMAT', 'the file is no batch of this version');
}

/** Derives keys and public inputs. @throws TacitError LIST_LENGTH, FIELD_RANGE, PROOF_COORDINATE, and as decodeKeyBlob */
export function openBatch(file: BatchFile): Batch {
  const domain: Domain = { chainId: BigInt(file.chainId), contract: file.contract };
  const blob = hexToBytes(file.keys);
  const lists = file.items.map(({ list }) => list.map((element, k) => fieldFromBytes(hexToBytes(element), `list element ${k}`)));
  const items = file.items.map(({ circuit, h, proof }, i): FoldItem => {
    const { id } = CIRCUITS[circuit];
    const publicInputs = publicInputsOf(id, fieldFromBytes(hexToBytes(h), 'h'), lists[i] ?? [], domain);
    return { circuitId: id, publicInputs, proof: decodeProof(hexToBytes(proof)) };
  });
  return { domain, keys: decodeKeyBlob(blob), keysHash: keyBlobHash(blob), items, lists };
}

function word(value: Field): Hex {
  return bytesToHex(fieldToBytes(value));
}
