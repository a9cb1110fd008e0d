/**
 * The life of an outgoing transfer inside the wallet: reserve → prove or seal → submit. Payments, withdrawals and what
 * a crash left behind all go this way.
 *
 * Reserving signs the transfer and writes it, with the notes it takes, before anything leaves this machine. What fails
 * before the first byte is sent is undone. After that, or after a crash, the wallet knows what may be out there: a second
 * run sends the very same record, never another one for the same money.
 */
import { bytesToHex } from '../protocol/bytes.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import { encodeRecord } from '../protocol/record.js';
import { decodeTransferWitness, encodeTransferWitness, type TransferWitness } from '../protocol/transfer.js';
import type { Submission, TransferStatus } from '../queue/service.js';
import { type BuiltTransfer, buildTransfer, type Money, reanchor, type TransferPlan } from './build.js';
import { nodeOf, type WalletEnvironment } from './environment.js';
import { HomeProver } from './homeProver.js';
import { type Intention, planTransfers } from './plan.js';
import { sealForFarm } from './sealForFarm.js';
import type { StoredNote, StoredTransfer } from './state.js';
import { submit } from './submit.js';
import { sync } from './sync.js';
import type { Wallet } from './wallet.js';

/** Where a transfer is proven. */
export type ProveWhere = 'home' | 'farm';

/** `quote`: what the node asks, in the native coin. */
export type FeeChoice = 'quote' | 'none' | Money;

export interface SendOptions {
  /** Default: quote. */
  readonly fee?: FeeChoice;
  /** Default: home. */
  readonly prove?: ProveWhere;
  /** For `home`: shared by payments, so that the key is loaded once. Default: one for this call. */
  readonly prover?: HomeProver;
  /** For `farm`: at most so many workers can read the job. Default: all of the roster. */
  readonly workers?: number;
  /** For `farm`: allow notes that others paid. Default: they are refused, see FARM_DISCLOSURE. */
  readonly receivedNotesToo?: boolean;
  readonly signal?: AbortSignal;
  /** Fraction in [0, 1] of the proof at home. */
  readonly onProgress?: (fraction: number) => void;
}

export interface SentTransfer {
  /** Hash of the record: names the transfer everywhere. */
  readonly id: Hex;
  readonly fee: Amount;
  readonly status: TransferStatus;
  /** The second half of a pair, which pays the fee of both. */
  readonly feeTransfer?: { readonly id: Hex; readonly status: TransferStatus };
}

interface Labels {
  readonly kind: 'payment' | 'withdrawal';
  readonly to: string;
  readonly memo: string;
}

/** One transfer that is reserved and not yet accepted by a node. */
interface Reserved {
  readonly id: Hex;
  readonly witness: TransferWitness;
}

/** Plans, reserves, proves or seals, submits. @throws TacitError as its steps; see pay.ts */
export async function send(
  wallet: Wallet,
  environment: WalletEnvironment,
  intention: Intention,
  labels: Labels,
  options: SendOptions,
): Promise<SentTransfer> {
  nodeOf(environment);
  const where = options.prove ?? 'home';
  if (where === 'home' && options.prover !== undefined) await options.prover.artifacts(); // missing artifacts must cost nothing
  const fee = await chooseFee(environment, intention.money.asset, options.fee ?? 'quote', where, intention.kind);
  const reserved = await reserve(wallet, intention, labels, fee, where, options);
  const statuses = await dispatch(wallet, environment, reserved, options, (error) => release(wallet, reserved, error));
  const [main, second] = statuses as [TransferStatus, TransferStatus | undefined];
  const paid = reserved.reduce((sum, { witness }) => sum + witness.record.fee, 0n);
  return { id: main.id, fee: paid, status: main, ...(second === undefined ? {} : { feeTransfer: { id: second.id, status: second } }) };
}

/**
 * Proves or seals what is reserved, and submits it: used by `send` and after a crash by `resume`.
 * @param unsent called with the error when something fails before the first byte has left this machine
 */
export async function dispatch(
  wallet: Wallet,
  environment: WalletEnvironment,
  reserved: readonly Reserved[],
  options: SendOptions,
  unsent: (error: unknown) => Promise<void> = async () => {},
): Promise<TransferStatus[]> {
  const own = options.prover === undefined ? new HomeProver() : undefined;
  try {
    const prover = options.prover ?? (own as HomeProver);
    try {
      for (const { id, witness } of reserved) await prepare(wallet, environment, id, witness, prover, options);
    } catch (error) {
      await unsent(error);
      throw error;
    }
    return await submitAll(wallet, environment, reserved, prover, options);
  } finally {
    await own?.close();
  }
}

/**
 * The half that pays goes first: a node that finds too little in it has not seen the other, and both are free again.
 * @returns in the order of `reserved`
 */
async function submitAll(
  wallet: Wallet,
  environment: WalletEnvironment,
  reserved: readonly Reserved[],
  prover: HomeProver,
  options: SendOptions,
): Promise<TransferStatus[]> {
  const statuses: TransferStatus[] = [];
  const unsent = [...reserved];
  for (let next = unsent.pop(); next !== undefined; next = unsent.pop()) {
    try {
      statuses.unshift(await submitFresh(wallet, environment, next.id, prover, options));
    } catch (error) {
      if (transferOf(wallet, next.id).status === 'rejected') await release(wallet, unsent, error);
      throw error;
    }
  }
  return statuses;
}

/** The witness that a reserved transfer keeps. */
export function keptWitness(transfer: StoredTransfer): TransferWitness {
  if (transfer.witness === undefined)
    throw new TacitError('TRANSFER_CLOSED', 'this transfer has come to its end', { got: transfer.status });
  return decodeTransferWitness(transfer.witness);
}

/** Makes the transfers and takes their notes, in one step that no other payment can come between. */
async function reserve(
  wallet: Wallet,
  intention: Intention,
  labels: Labels,
  fee: ChosenFee,
  where: ProveWhere,
  options: SendOptions,
): Promise<Reserved[]> {
  return wallet.change((state) => {
    const plans = planTransfers(wallet, intention, fee, fee.surcharge);
    if (where === 'farm' && options.receivedNotesToo !== true)
      assertOwnNotes(wallet, [...plans.main.inputs, ...(plans.feeTransfer?.inputs ?? [])]);
    const main = buildTransfer(wallet, plans.main);
    const second = plans.feeTransfer && buildTransfer(wallet, plans.feeTransfer);
    // The same contents out of the same two notes are the same record: a refused attempt gives way to the new one.
    state.transfers = state.transfers.filter(({ id }) => id !== main.id && id !== second?.id);
    state.transfers.push(stored(main, plans.main, intention.money, labels, where, second?.id));
    if (second !== undefined && plans.feeTransfer !== undefined) {
      state.transfers.push(
        stored(
          second,
          plans.feeTransfer,
          { asset: plans.feeTransfer.fee.asset, value: 0n },
          { kind: 'fee', to: '', memo: '' },
          where,
          main.id,
        ),
      );
    }
    return [main, ...(second === undefined ? [] : [second])].map(({ id, witness }) => ({ id, witness }));
  });
}

/** Nothing was sent, so the notes are simply free again. */
async function release(wallet: Wallet, reserved: readonly Reserved[], error: unknown): Promise<void> {
  await wallet.change(() => {
    for (const { id } of reserved) {
      const transfer = transferOf(wallet, id);
      transfer.status = 'rejected';
      transfer.reason = isTacitError(error) ? error.code : 'INTERNAL';
      delete transfer.submission;
    }
  });
}

function stored(
  { id, witness, e }: BuiltTransfer,
  plan: TransferPlan,
  money: Money,
  labels: Omit<Labels, 'kind'> & { kind: StoredTransfer['kind'] },
  prove: ProveWhere,
  pairedWith: Hex | undefined,
): StoredTransfer {
  return {
    id,
    ...labels,
    asset: money.asset,
    value: String(money.value),
    feeAsset: plan.fee.asset,
    fee: String(plan.fee.value),
    inputs: plan.inputs.map(({ nf }) => nf),
    record: bytesToHex(encodeRecord(witness.record)),
    e: bytesToHex(e),
    createdMs: Date.now(),
    prove,
    ...(pairedWith === undefined ? {} : { pairedWith }),
    witness: encodeTransferWitness(witness),
    status: 'reserved',
  };
}

/** Writes the submission into the wallet before it is sent. */
async function prepare(
  wallet: Wallet,
  environment: WalletEnvironment,
  id: Hex,
  witness: TransferWitness,
  prover: HomeProver,
  options: SendOptions,
): Promise<void> {
  const transfer = transferOf(wallet, id);
  const fresh = await withKnownAnchor(wallet, environment, witness);
  // A proof made before a crash still serves; a seal may have expired and is made anew.
  if (transfer.submission?.proof?.anchor === bytesToHex(fieldToBytes(fresh.anchor))) return;
  const base = { id, record: transfer.record, ...(transfer.pairedWith === undefined ? {} : { pairedWith: transfer.pairedWith }) };
  const submission: Submission =
    transfer.prove === 'home'
      ? { ...base, proof: await prover.prove(fresh, environment.domain, options) }
      : { ...base, sealed: await sealForFarm(fresh, environment, options), anchor: bytesToHex(fieldToBytes(fresh.anchor)) };
  await wallet.change(() => {
    transfer.witness = encodeTransferWitness(fresh);
    transfer.submission = submission;
  });
}

/** A root that the chain has dropped since (a reorganisation) is replaced; the signatures stay good. */
async function withKnownAnchor(wallet: Wallet, environment: WalletEnvironment, witness: TransferWitness): Promise<TransferWitness> {
  if (await environment.rollup.isKnownRoot(witness.anchor)) return witness;
  await sync(wallet, environment);
  const fresh = wallet.state.notes.length === 0 ? witness : reanchor(wallet, witness);
  if (await environment.rollup.isKnownRoot(fresh.anchor)) return fresh;
  throw new TacitError('ANCHOR_STALE', 'the root that this transfer leans on is no longer on the chain', {
    expected: 'a root that the contract knows',
    got: bytesToHex(fieldToBytes(witness.anchor)),
    retryable: true,
  });
}

/** Submits; when the node does not know the anchor, once more under the newest root. */
async function submitFresh(
  wallet: Wallet,
  environment: WalletEnvironment,
  id: Hex,
  prover: HomeProver,
  options: SendOptions,
): Promise<TransferStatus> {
  try {
    return await submit(wallet, environment, id, options);
  } catch (error) {
    if (!isTacitError(error, 'ANCHOR_UNKNOWN')) throw error;
    await sync(wallet, environment);
    await prepare(wallet, environment, id, reanchor(wallet, keptWitness(transferOf(wallet, id))), prover, options);
    return submit(wallet, environment, id, options);
  }
}

/** Of one transfer, and what is paid once on top of it. */
export interface ChosenFee extends Money {
  readonly surcharge: Amount;
}

/**
 * The fee of one transfer. One that is named is all that is paid.
 * @param asset that is paid or withdrawn
 * @throws TacitError ASSET_UNKNOWN, NODE_UNREACHABLE
 */
export async function chooseFee(
  environment: WalletEnvironment,
  asset: AssetId,
  choice: FeeChoice,
  where: ProveWhere,
  kind: Intention['kind'] = 'payment',
): Promise<ChosenFee> {
  if (choice === 'none') return { asset: 0, value: 0n, surcharge: 0n };
  if (choice !== 'quote') return { ...choice, surcharge: 0n };
  const { feeProven, feeSealed, withdrawals } = await nodeOf(environment).quote(0);
  const value = BigInt(where === 'home' ? feeProven : feeSealed);
  const surcharge = kind === 'payment' ? 0n : BigInt(asset === 0 ? withdrawals.native : withdrawals.token);
  return { asset: value === 0n ? asset : 0, value, surcharge: value === 0n ? 0n : surcharge };
}

/**
 * Notes that this wallet made itself: change of its transfers, and deposits it remembers.
 * @throws TacitError FARM_RECEIVED_NOTE
 */
export function assertOwnNotes(wallet: Wallet, notes: readonly StoredNote[]): void {
  const { transfers, deposits } = wallet.state;
  const own = new Set<Hex>([...transfers.map(({ id }) => id), ...deposits.map(({ cm }) => cm)]);
  if (notes.every((note) => own.has(note.from ?? note.cm))) return;
  throw new TacitError(
    'FARM_RECEIVED_NOTE',
    'this payment spends a note that somebody else paid; a farm worker among your payers could follow your notes',
    { expected: 'proving at home, or your consent to have received notes proven by the farm', docs: 'threat-model.md' },
  );
}

export function transferOf(wallet: Wallet, id: Hex): StoredTransfer {
  const transfer = wallet.state.transfers.find((candidate) => candidate.id === id);
  if (transfer === undefined) throw new TacitError('TRANSFER_UNKNOWN', 'the wallet has no such transfer', { got: id });
  return transfer;
}
