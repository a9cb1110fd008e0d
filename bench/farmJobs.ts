/** Jobs for a farm that is measured: transfers of nothing, sealed to every worker, and full updates, by turns. */

import { randomBytes } from 'node:crypto';
import { LedgerState } from '../ledger/state.js';
import { paddingWitness } from '../protocol/padding.js';
import type { Domain } from '../protocol/record.js';
import { recordHash } from '../protocol/record.js';
import { type SealRecipient, sealJob } from '../protocol/seal.js';
import { encodeTransferWitness } from '../protocol/transfer.js';
import { sampleInput } from '../prover/sampleInput.js';
import type { FarmJob, JobSignal } from '../queue/contracts.js';
import type { Lane } from '../queue/farmOptions.js';

export const FARM_DOMAIN: Domain = { chainId: 31_337n, contract: `0x${'fa'.repeat(20)}` };
export const FARM_LANES = ['transfer_1', 'update_2'] as const satisfies readonly Lane[];
export type FarmLane = (typeof FARM_LANES)[number];

const NOBODY = `0x${'01'.repeat(20)}`;
const ROSTER_ID = `0x${'5e'.repeat(32)}`;
const HOUR_SECONDS = 3_600;
/** They depend on who proves. */
const PROVER_SIGNALS = new Set(['h', 'z', 'y', 'prover']);

/** @param index decides the circuit: they take turns */
export function farmJob(name: string, index: number, recipients: readonly SealRecipient[]): FarmJob {
  const id = `${name}-${index}`;
  return FARM_LANES[index % FARM_LANES.length] === 'transfer_1' ? transferOf(id, recipients) : updateOf(id);
}

function transferOf(id: string, recipients: readonly SealRecipient[]): FarmJob {
  const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));
  const witness = paddingWitness(LedgerState.genesis().noteRoot, FARM_DOMAIN, random);
  const sealed = sealJob(new TextEncoder().encode(encodeTransferWitness(witness)), {
    domain: FARM_DOMAIN,
    recordHash: recordHash(witness.record, FARM_DOMAIN),
    rosterId: ROSTER_ID,
    expiry: Math.floor(Date.now() / 1000) + HOUR_SECONDS,
    recipients: [...recipients],
  });
  return { kind: 'transfer', id: `transfer-${id}`, circuit: 'transfer_1', sealed: [sealed] };
}

function updateOf(id: string): FarmJob {
  const { input } = sampleInput('update_2', NOBODY, FARM_DOMAIN);
  const shared = Object.entries(input).filter(([signal]) => !PROVER_SIGNALS.has(signal));
  return {
    kind: 'update',
    id: `update-${id}`,
    circuit: 'update_2',
    input: Object.fromEntries(shared.map(([signal, value]) => [signal, texts(value)])),
  };
}

function texts(value: unknown): JobSignal {
  return Array.isArray(value) ? value.map(texts) : String(value);
}
