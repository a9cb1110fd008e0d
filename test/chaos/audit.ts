/**
 * The question at the end of every scenario: did each accepted payment settle exactly once? Asked of the chain (its history
 * replayed from L1 alone, roots compared), of the wallets' view (the node's answers), and of the journal, once the node has
 * let go of it.
 */
import { extendView } from '../../aggregator/chainView.js';
import { readCheckpoint } from '../../aggregator/checkpoint.js';
import { RpcNodeChain } from '../../aggregator/nodeChain.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { decodeRecord } from '../../protocol/record.js';
import type { Replay } from '../../verifier-contract/replay.js';
import { auditedReplay, codeOf, until, type World } from '../aggregator/world.js';
import type { NodeChild } from './nodeChild.js';
import type { Report } from './scenario.js';
import { settledRecords } from './settledRecords.js';

/** After the last settlement the node has to see it, and to put its tasks away. */
const QUIET_LIMIT_MS = 120_000;

/** What people sent in, which must be settled once. */
export interface Sent {
  /** By id. */
  readonly transfers: ReadonlyMap<string, unknown>;
  readonly forced: readonly string[];
  readonly deposits: number;
  /** Of withdrawals, and what they must have been paid. */
  readonly recipients: ReadonlyMap<string, bigint>;
}

/** Chain and contract: each payment once, nothing besides, every deposit in, every withdrawal paid once. */
export async function auditChain(world: World, report: Report, workloads: readonly Sent[]): Promise<void> {
  const replay = await auditedReplay(world);
  const settled = settledRecords(replay);
  const wanted = workloads.flatMap(({ transfers, forced }) => [...transfers.keys(), ...forced]);
  for (const id of wanted) {
    const times = settled.filter((other) => other === id).length;
    report.expect(times === 1, `${id} is settled ${times} times`);
  }
  report.expect(settled.length === wanted.length, `${settled.length} records are settled, ${wanted.length} were sent`);
  const deposits = workloads.reduce((sum, workload) => sum + workload.deposits, 0);
  const taken = replay.queue.filter(({ event, state }) => event.kind === 'deposit' && state === 'settled').length;
  report.expect(taken === deposits, `${taken} deposits are in, ${deposits} were made`);
  for (const [recipient, wei] of workloads.flatMap(({ recipients }) => [...recipients])) {
    const balance = await world.provider.getBalance(recipient);
    report.expect(balance === wei, `a withdrawal of ${wei} wei paid ${balance}`);
  }
}

/** The node: every transfer settled in wallets' eyes, nothing of its own left over. */
export async function auditNode(node: NodeChild, report: Report, workloads: readonly Sent[]): Promise<void> {
  const isQuiet = (stats: Awaited<ReturnType<NodeChild['look']>>['stats']) =>
    stats !== undefined &&
    stats.pending === 0 &&
    stats.padding === 0 &&
    stats.standingSeals === 0 &&
    stats.farmTasks === 0 &&
    stats.queueItemsWaiting === 0;
  const look = async () => (await node.look()).stats;
  const stats = await until(look, isQuiet, 'at rest', QUIET_LIMIT_MS).catch(look);
  report.expect(isQuiet(stats), `something is stuck: ${JSON.stringify(stats)}`);
  for (const id of workloads.flatMap(({ transfers }) => [...transfers.keys()])) {
    const status = await node.client.status(id);
    report.expect(status?.status === 'settled', `the wallet of ${id} is told ${status?.status}: ${status?.reason ?? ''}`);
  }
}

/** The journal of a node that has ended, against the chain. */
export async function auditJournal(world: World, journalDir: string, report: Report): Promise<void> {
  const replay = await auditedReplay(world);
  const settled = new Set(settledRecords(replay));
  const onChain = new Set(replay.settlements.map(({ event }) => event.transactionHash));
  const journal = openJournal(journalDir, world.domain);
  try {
    await auditCheckpoint(world, journal, replay, report);
    const { transfers, settlements, transactions, nonces, nullifiers } = journal.read;
    for (const { id, state, settlementTx } of transfers.rows()) {
      report.expect((state === 'settled') === settled.has(id), `the journal says ${state} of ${id}`);
      if (state === 'settled') report.expect(onChain.has(settlementTx ?? ''), `the journal names another transaction for ${id}`);
    }
    const mined = settlements.rows().filter(({ state }) => state === 'mined' || state === 'final');
    const seals = mined.flatMap((row) => row.seals);
    report.expect(new Set(seals).size === seals.length, 'a seal stands in two mined settlements');
    for (const { key, row } of nonces.range()) {
      const taken = row.filter((hash) => transactions.get(hash)?.state === 'mined');
      report.expect(taken.length <= 1, `nonce ${key} was mined ${taken.length} times`);
    }
    for (const { transfer, nf } of nullifiers.rows()) {
      const row = transfer === undefined ? undefined : transfers.get(transfer);
      const spends = row === undefined ? [] : [decodeRecord(hexToBytes(row.record))].flatMap(({ nf1, nf2 }) => [nf1, nf2]);
      report.expect(spends.includes(BigInt(nf)), `a nullifier is held by a transfer that does not spend it: ${nf}`);
    }
  } finally {
    await journal.close();
  }
}

/** What the journal has stored of the chain is whole after every death, and leads to the state that a full replay gives. */
async function auditCheckpoint(world: World, journal: Journal, replay: Replay, report: Report): Promise<void> {
  const chain = await RpcNodeChain.open(world.anvil.rpcUrl, world.anvil.accounts[0]?.privateKey as string, world.domain);
  try {
    const reading = readCheckpoint(journal, chain);
    const code = await codeOf(reading);
    report.expect(code === undefined || code === 'CHECKPOINT_ELSEWHERE', `the stored view of the chain: ${code}`);
    const stored = code === undefined ? await reading : undefined;
    if (stored === undefined) return;
    const head = await chain.head();
    const events = await chain.history(stored.head.number + 1, head.number);
    const { state } = extendView(stored, events, head, await chain.headSeconds(head.number), world.domain);
    const [got, expected] = [state, replay.state].map(({ noteRoot, nullifierRoot, leafCount }) =>
      [noteRoot, nullifierRoot, leafCount].join(),
    );
    report.expect(got === expected, `the stored view of block ${stored.head.number} leads to ${got}, the history to ${expected}`);
  } finally {
    await chain.close();
  }
}
