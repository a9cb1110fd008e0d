/**
 * A14: the contract against the TypeScript codec and fold. Settlements of a state with deposits, forced transfers and
 * rivals among them are spoilt at random; both sides accept or both reject, and where the proofs are the reason they
 * are it on both sides. Some hundred cases; TACIT_LONG=1 takes thousands.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../protocol/bytes.js';
import { TacitError } from '../../protocol/errors.js';
import { verifyFold } from '../../protocol/fold.js';
import { encodeRecord } from '../../protocol/record.js';
import { decodeSettlement, type ForcedData, kindsAfterDrops } from '../../protocol/settlement.js';
import { type QueueItem, settlementSlots } from '../../protocol/slots.js';
import { rollupInterface } from '../../verifier-contract/abi.js';
import { onChain } from '../../verifier-contract/contractError.js';
import { settlementStatements } from '../../verifier-contract/statements.js';
import { mutate } from './mutations.js';
import { codeOf, type Plan, type Planned, World } from './world.js';

type Queued = QueueItem & { data?: ForcedData };

const CASES = process.env.TACIT_LONG === '1' ? 6_000 : 200;
const GAS_LIMIT = 30_000_000n;
/** What the fold says on either side; everything else is said before a proof is looked at. */
const PROOF_CODES = /FOLD_INVALID|PROOF_MALFORMED|POINT_/;
/** The codec reads coordinates before it knows whether what follows is in order; the contract leaves them to the precompiles, at the end. */
const READ_EARLY = 'PROOF_COORDINATE';

let world: World;
let queue: Queued[];
let bases: Planned[];

beforeAll(async () => {
  world = await World.start();
  await world.settle({ transfers: [{ records: [world.record()] }] }); // a second known root
  const blank = new Uint8Array(32);
  const deposit = async (): Promise<Queued> => {
    const { queueIndex } = await world.as(1).deposit({ asset: 0, value: 5_000n, owner: 7n, ephemeral: blank, ciphertext: blank });
    return { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
  };
  const force = async (record = world.record()): Promise<Queued> => {
    const data = world.forceCall(record);
    await world.as(1).force(data);
    return { kind: 'forced', record, data: { record, prover: data.prover, refund: data.refund } };
  };
  const [first, second] = [world.record(), world.record()];
  queue = [await deposit(), await force(first), await force(second), await deposit(), await deposit()];
  queue.push(await force(world.record({ nf1: second.nf2, nf2: first.nf1 })));
  const fee = { fee: 1_000n, outValue: 40n, recipient: world.address(3) };
  const transfer = { records: [world.record()] };
  const plans: Plan[] = [
    { transfers: [{ records: [world.record(fee)], prover: world.address(6) }] },
    { queue, drops: [{ item: 5, by: 1 }], transfers: [transfer] },
    { queue: queue.slice(0, 1), updates: [{ circuit: 'update_2', used: 1 }] },
    {
      transfers: [{ records: [world.record()] }, { records: [world.record()], anchor: { kind: 'update', index: 0 } }],
      updates: [
        { circuit: 'update_2', used: 1, keepRoot: true },
        { circuit: 'update_8', used: 1 },
      ],
    },
  ];
  bases = plans.map((plan) => world.plan(plan));
}, 120_000);
afterAll(() => world?.stop());

/** The contract's verdict, without a transaction. */
function onChainVerdict(bytes: Uint8Array): Promise<string> {
  const data = rollupInterface().encodeFunctionData('settle', [bytes]);
  const call = { from: world.address(0), to: world.rollup.address, data, gasLimit: GAS_LIMIT };
  return codeOf(onChain('settle', () => world.provider.call(call)));
}

/** The same from the TypeScript side: codec, queue, anchors, statements, fold. */
function ownVerdict(bytes: Uint8Array, knownRoots: ReadonlySet<bigint>): string {
  try {
    const settlement = decodeSettlement(
      bytes,
      queue.map(({ kind }) => kind),
    );
    const taken = queue.slice(0, settlement.queueItems);
    const waiting = taken.flatMap(({ data }) => (data === undefined ? [] : [data]));
    if (waiting.some((data, i) => textOf(data) !== textOf(settlement.forced[i] as ForcedData))) return 'FORCED_MISMATCH';
    const unknown = settlement.transfers.some(({ anchor }) => anchor.kind === 'known' && !knownRoots.has(anchor.root));
    if (unknown) return 'ANCHOR_UNKNOWN';
    const kinds = kindsAfterDrops(
      taken.map(({ kind }) => kind),
      settlement.drops,
    );
    const items = taken.map((item, i): QueueItem => (kinds[i] === 'dropped' ? { kind: 'dropped' } : item));
    const slots = settlementSlots(
      items,
      settlement.transfers.flatMap(({ records }) => records),
    );
    const { noteRoot, nullifierRoot, leafCount } = world.state;
    const statements = settlementStatements(settlement, slots, { domain: world.domain, noteRoot, nullifierRoot, leafCount });
    verifyFold(world.keys.table, statements.items);
    return 'no error';
  } catch (error) {
    if (error instanceof TacitError) return error.code;
    throw error; // a crash is no verdict
  }
}

function textOf({ record, prover, refund }: ForcedData): string {
  return `${bytesToHex(encodeRecord(record))} ${prover} ${refund}`.toLowerCase();
}

const classOf = (code: string): string =>
  code === 'no error' ? 'accepted' : PROOF_CODES.test(code) ? 'proofs' : 'refused before the proofs';

function agree(chain: string, own: string): boolean {
  return own === READ_EARLY ? chain !== 'no error' : classOf(chain) === classOf(own);
}

describe('A14: the contract', () => {
  it('accepts the settlements that are spoilt below', async () => {
    const known = new Set([world.state.noteRoot]);
    for (const { bytes } of bases) expect([await onChainVerdict(bytes), ownVerdict(bytes, known)]).toEqual(['no error', 'no error']);
  });

  it('gives the verdict of the TypeScript codec and fold', async () => {
    const known = new Set([world.state.noteRoot]);
    const seen = new Map<string, number>();
    const disagreements: string[] = [];
    for (let i = 0; i < CASES; i++) {
      const base = bases[i % bases.length] as Planned;
      const { what, bytes } = mutate(base.settlement, base.bytes, world.random);
      const [chain, own] = [await onChainVerdict(bytes), ownVerdict(bytes, known)];
      if (!agree(chain, own)) disagreements.push(`case ${i}, ${what}: ${chain} on chain, ${own} here`);
      seen.set(classOf(own), (seen.get(classOf(own)) ?? 0) + 1);
    }
    expect(disagreements).toEqual([]);
    // a run that never gets to the proofs, or never accepts, would say little
    for (const verdict of ['accepted', 'proofs', 'refused before the proofs'])
      expect(seen.get(verdict), verdict).toBeGreaterThan(CASES / 50);
  }, 3_000_000);
});
