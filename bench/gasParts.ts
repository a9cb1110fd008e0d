/** Where a settlement's gas goes: the formulas of the precompiles, the trace's opcodes, and what remains. */
import type { JsonRpcProvider } from 'ethers';

// Gas of the precompiles (EIP-1108) and of a transaction and its data (EIP-2028).
const PAIRING_BASE = 45_000;
const PAIRING_EACH = 34_000;
const MUL_GAS = 6_000;
const ADD_GAS = 150;
const TRANSACTION_GAS = 21_000;
const NONZERO_BYTE_GAS = 16;
const ZERO_BYTE_GAS = 4;
const PUBLIC_COLUMNS = 4; // ic0..ic3

/** Gas of one settlement by what it is spent on. */
export interface GasParts {
  pairing: number;
  /** r·A, r·C, and the few for α and the public inputs; with the additions. */
  curveArithmetic: number;
  calldata: number;
  transaction: number;
  storage: number;
  hashing: number;
  /** Decoding, field arithmetic, memory, the event. */
  rest: number;
}

export interface MinedSettlement {
  readonly hash: string;
  readonly gasUsed: number;
  readonly proofs: number;
  /** Circuits in use. */
  readonly circuits: number;
  /** The transaction's data. */
  readonly input: string;
}

export async function gasParts(provider: JsonRpcProvider, { hash, gasUsed, proofs, circuits, input }: MinedSettlement): Promise<GasParts> {
  const options = { disableStorage: true, disableMemory: true, disableStack: true };
  const { structLogs } = (await provider.send('debug_traceTransaction', [hash, options])) as {
    structLogs: { op: string; gasCost: number; depth: number }[];
  };
  const spent = (...ops: string[]): number =>
    structLogs.reduce((sum, { op, gasCost, depth }) => (depth === 1 && ops.includes(op) ? sum + gasCost : sum), 0);
  const muls = 2 * (proofs - 1) + PUBLIC_COLUMNS * circuits + 1; // the first proof weighs 1
  const adds = proofs + PUBLIC_COLUMNS * circuits;
  const bytes = input.slice(2).match(/../g) ?? [];
  const zeros = bytes.filter((byte) => byte === '00').length;
  const parts = {
    pairing: PAIRING_BASE + PAIRING_EACH * (proofs + 2 + circuits),
    curveArithmetic: MUL_GAS * muls + ADD_GAS * adds,
    calldata: NONZERO_BYTE_GAS * (bytes.length - zeros) + ZERO_BYTE_GAS * zeros,
    transaction: TRANSACTION_GAS,
    storage: spent('SSTORE', 'SLOAD', 'TSTORE', 'TLOAD', 'EXTCODECOPY'),
    hashing: spent('KECCAK256', 'SHA3'),
    rest: 0,
  };
  parts.rest = gasUsed - Object.values(parts).reduce((sum, part) => sum + part, 0);
  return parts;
}
