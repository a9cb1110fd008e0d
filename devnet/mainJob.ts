/**
 * The main job: private payments from wallet to settled root.
 *
 *   1 start    circuits, Redis, chain, contract, node, workers (network.ts)
 *   2 fund     a wallet for everybody, a note for every payment: deposited while node and workers come up
 *   3 pay      each payment as soon as its note is in the rollup: the first `home` ones are proven here, the others by the workers
 *   4 settle   each is followed until its record is on the chain
 *   5 check    everyone's balances against the sums of the file; the auditor against L1 alone
 */
import { join } from 'node:path';
import { Turn } from '../aggregator/turn.js';
import type { AuditReport } from '../auditor/finding.js';
import { auditFromRpc } from '../auditor/live.js';
import type { BuildProgress } from '../circuits/build.js';
import { awaitSettled } from '../client/awaitSettled.js';
import { type AssetBalance, balance } from '../client/balance.js';
import { connect, type WalletEnvironment } from '../client/environment.js';
import { HomeProver } from '../client/homeProver.js';
import { pay } from '../client/pay.js';
import type { SentTransfer } from '../client/transfer.js';
import { withdraw } from '../client/withdraw.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import type { RedisKind } from '../queue/redis.js';
import type { TransferStatus } from '../queue/service.js';
import type { RegisteredAsset } from '../verifier-contract/token.js';
import { type Devnet, type DevnetGround, startDevnet } from './network.js';
import type { Payment } from './payments.js';
import { assetOf, awaitFunded, createPeople, type Deposits, fundPeople, type Person, personOf, syncPeople } from './people.js';
import { type SettlementCost, settlementCosts } from './settlements.js';

export interface MainJobOptions {
  readonly payments: readonly Payment[];
  /** Folder for journals, keys, wallets and logs. */
  readonly dir: string;
  readonly workers: number;
  /** So many payments, from the first, are proven at home. */
  readonly home: number;
  readonly log: (line: string) => void;
  readonly onBuild: (progress: BuildProgress) => void;
  /** Stages that take long: fraction in [0, 1]. */
  readonly onStage: (stage: 'fund' | 'prove' | 'settle', fraction: number) => void;
}

export interface PaymentOutcome {
  readonly payment: Payment;
  readonly prove: 'home' | 'farm';
  readonly status: TransferStatus['status'];
  readonly id?: Hex;
  readonly fee: Amount;
  /** Milliseconds from the start of the payment to each stage. */
  readonly stagesMs: Readonly<Record<string, number>>;
  readonly settlementTx?: Hex;
  readonly reason?: string;
}

export interface FinalBalance {
  readonly name: string;
  readonly asset: RegisteredAsset;
  readonly funded: Amount;
  readonly balance: Amount;
  /** What the file and the fees say it must be. */
  readonly expected: Amount;
}

export interface MainJobResult {
  readonly contract: string;
  readonly chainId: bigint;
  readonly redis: RedisKind;
  readonly deposits: number;
  readonly payments: readonly PaymentOutcome[];
  readonly balances: readonly FinalBalance[];
  readonly settlements: readonly SettlementCost[];
  readonly audit: AuditReport;
  /** From the end of one stage to the end of the next: `start` until all is up, `fund` until the last note is in, and so on. */
  readonly timesMs: Readonly<Record<'artifacts' | 'start' | 'fund' | 'pay' | 'audit', number>>;
}

/** Many payments come at once, so batches are filled before they are sealed; an update costs a proof however full it is. */
const SEAL_AFTER_MS = 15_000;

/** Who pays, and what was paid in for them. */
interface Payers {
  readonly folk: ReadonlyMap<string, Person>;
  readonly deposits: Deposits;
}

export async function runMainJob(options: MainJobOptions): Promise<MainJobResult> {
  const closers: (() => Promise<void>)[] = [];
  try {
    let payers: Payers | undefined;
    const devnet = await startDevnet({
      dir: options.dir,
      workers: options.workers,
      sealAfterMs: SEAL_AFTER_MS,
      log: options.log,
      onProgress: options.onBuild,
      meanwhile: async (ground) => {
        payers = await preparePayers(ground, options, closers);
      },
    });
    closers.unshift(() => devnet.stop());
    const environment = await connect({ rpcUrl: devnet.rpcUrl, contract: devnet.rollup.address, nodeUrl: devnet.nodeUrl });
    closers.push(async () => environment.close());
    return await runOn(devnet, environment, payers as Payers, options);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Wallets and deposits need the chain only. */
async function preparePayers(
  { rpcUrl, rollup, ...rest }: DevnetGround,
  { payments, dir }: MainJobOptions,
  closers: (() => Promise<void>)[],
): Promise<Payers> {
  const chainOnly = await connect({ rpcUrl, contract: rollup.address });
  try {
    const folk = await createPeople(payments, chainOnly, join(dir, 'wallets'));
    for (const { wallet } of folk.values()) closers.push(() => wallet.close());
    return { folk, deposits: await fundPeople({ rpcUrl, rollup, ...rest }, chainOnly, folk, payments) };
  } finally {
    chainOnly.close();
  }
}

async function runOn(devnet: Devnet, environment: WalletEnvironment, payers: Payers, options: MainJobOptions): Promise<MainJobResult> {
  const startedMs = Date.now();
  const { folk, deposits } = payers;
  const { outcomes, fundedMs } = await payAll(devnet, environment, payers, options);
  await syncPeople(environment, folk);
  const paidMs = Date.now();
  const audit = await auditFromRpc({ rpcUrl: devnet.rpcUrl, contract: devnet.rollup.address });
  const settlements = await settlementCosts(devnet.rollup, environment.home.deploymentBlock);
  return {
    contract: devnet.rollup.address,
    chainId: devnet.domain.chainId,
    redis: devnet.redis,
    deposits: deposits.size,
    payments: outcomes,
    balances: finalBalances(folk, outcomes, devnet.assets),
    settlements,
    audit,
    timesMs: { ...devnet.timesMs, fund: fundedMs - startedMs, pay: paidMs - fundedMs, audit: Date.now() - paidMs },
  };
}

/** Begins each payment when its note is in. A wallet's part is computing, so one after another has the first at the farm soonest. */
async function payAll(
  devnet: Devnet,
  environment: WalletEnvironment,
  { folk, deposits }: Payers,
  { payments, home, onStage }: MainJobOptions,
): Promise<{ outcomes: PaymentOutcome[]; fundedMs: number }> {
  const prover = new HomeProver({ threads: 1 });
  const farmTurn = new Turn();
  const proven = new Set<Payment>();
  const settled = new Set<Payment>();
  const onStatus = (payment: Payment, status: TransferStatus): void => {
    if (status.times.proven !== undefined) proven.add(payment);
    if (status.times.settled !== undefined) settled.add(payment);
    onStage('prove', proven.size / payments.length);
    onStage('settle', settled.size / payments.length);
  };
  const paying = new Map<Payment, Promise<PaymentOutcome>>();
  try {
    await awaitFunded(
      environment,
      folk,
      deposits,
      (payment) => {
        const where: Proving = payments.indexOf(payment) < home ? { prove: 'home', prover } : { prove: 'farm', turn: farmTurn };
        paying.set(
          payment,
          payOne(devnet, environment, folk, payment, where, (status) => onStatus(payment, status)),
        );
      },
      (fraction) => onStage('fund', fraction),
    );
    const fundedMs = Date.now();
    return { outcomes: await Promise.all(payments.map((payment) => paying.get(payment) as Promise<PaymentOutcome>)), fundedMs };
  } finally {
    await prover.close();
  }
}

type Proving = { readonly prove: 'home'; readonly prover: HomeProver } | { readonly prove: 'farm'; readonly turn: Turn };

/** Never throws: what went wrong with one payment is part of the result. */
async function payOne(
  devnet: Devnet,
  environment: WalletEnvironment,
  folk: ReadonlyMap<string, Person>,
  payment: Payment,
  where: Proving,
  onStatus: (status: TransferStatus) => void,
): Promise<PaymentOutcome> {
  const startedMs = Date.now();
  const { wallet } = personOf(folk, payment.payer);
  const { prove } = where;
  let sent: SentTransfer | undefined;
  try {
    // A note that was just received may have the very amount wanted; here whoever pays and whoever proves are the same person.
    const options = where.prove === 'home' ? { prove, prover: where.prover } : { prove, receivedNotesToo: true };
    const money = { asset: assetOf(payment, devnet.assets).id, value: payment.amount };
    const { payee } = payment;
    const send = (): Promise<SentTransfer> =>
      payee.kind === 'withdrawal'
        ? withdraw(wallet, environment, { ...money, ...options, recipient: payee.recipient })
        : pay(wallet, environment, { ...money, ...options, to: personOf(folk, payee.name).wallet.address(), memo: payment.memo });
    sent = await (where.prove === 'farm' ? where.turn.run(send) : send());
    onStatus(sent.status);
    await awaitSettled(wallet, environment, sent.id, { onStatus });
    const status = (await environment.node?.status(sent.id)) ?? sent.status;
    onStatus(status);
    const { id, fee } = sent;
    return {
      payment,
      prove,
      status: 'settled',
      id,
      fee,
      stagesMs: stagesOf(status, startedMs),
      ...(status.settlementTx === undefined ? {} : { settlementTx: status.settlementTx }),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { payment, prove, status: 'failed', fee: sent?.fee ?? 0n, stagesMs: {}, reason, ...(sent === undefined ? {} : { id: sent.id }) };
  }
}

function stagesOf({ times }: TransferStatus, startedMs: number): Record<string, number> {
  return Object.fromEntries(Object.entries(times).map(([stage, atMs]) => [stage, Math.max(0, (atMs as number) - startedMs)]));
}

function finalBalances(
  folk: ReadonlyMap<string, Person>,
  outcomes: readonly PaymentOutcome[],
  assets: readonly RegisteredAsset[],
): FinalBalance[] {
  return [...folk.values()].flatMap((person) => {
    const held = balance(person.wallet);
    return assets.map((asset) => {
      const funded = person.funded.get(asset.id) ?? 0n;
      return {
        name: person.name,
        asset,
        funded,
        balance: total(held, asset.id),
        expected: funded + movement(person.name, asset, outcomes),
      };
    });
  });
}

function total(held: readonly AssetBalance[], asset: AssetId): Amount {
  const entry = held.find((candidate) => candidate.asset === asset);
  return (entry?.available ?? 0n) + (entry?.reserved ?? 0n);
}

/** Received minus sent minus fees (which are in the native coin), over the payments that settled. */
function movement(name: string, asset: RegisteredAsset, outcomes: readonly PaymentOutcome[]): bigint {
  let sum = 0n;
  for (const { payment, status, fee } of outcomes) {
    if (status !== 'settled') continue;
    const sameAsset = payment.asset.symbol === asset.symbol;
    if (payment.payer === name) sum -= (sameAsset ? payment.amount : 0n) + (asset.id === 0 ? fee : 0n);
    if (sameAsset && payment.payee.kind === 'person' && payment.payee.name === name) sum += payment.amount;
  }
  return sum;
}
