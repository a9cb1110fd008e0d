/** `tacit wallet pay`, `withdraw` and `resume`: what leaves the wallet. */
import type { Command } from 'commander';
import { awaitConfirmed } from '../client/awaitConfirmed.js';
import { awaitSettled } from '../client/awaitSettled.js';
import { mergeNotes } from '../client/merge.js';
import { pay } from '../client/pay.js';
import { resume } from '../client/resume.js';
import { FARM_DISCLOSURE } from '../client/sealForFarm.js';
import { sync } from '../client/sync.js';
import type { SendOptions, SentTransfer } from '../client/transfer.js';
import { withdraw } from '../client/withdraw.js';
import { TacitError } from '../protocol/errors.js';
import type { ProofFacts } from '../prover/observer.js';
import { BACKEND_NAMES } from '../prover/prove.js';
import type { TransferStatus } from '../queue/service.js';
import { type CommandResult, runs, say } from './output.js';
import { confirms } from './prompt.js';
import { backendFrom } from './prove.js';
import {
  amountOf,
  assetNamed,
  type ChainOptions,
  money,
  oneOf,
  reportSync,
  type Session,
  wholeNumber,
  withHomeProver,
  withNodeOptions,
  withSession,
} from './walletSession.js';

interface SendingOptions extends ChainOptions {
  readonly to: string;
  readonly amount: string;
  readonly asset: string;
  readonly memo?: string;
  readonly fee: string;
  readonly wait: string;
}

interface MergingOptions extends ChainOptions {
  readonly amount: string;
  readonly asset: string;
  readonly fee: string;
}

interface ProvingOptions {
  readonly prove?: string;
  readonly backend: string;
  readonly workers?: string;
  readonly receivedNotesToo?: boolean;
  readonly yes?: boolean;
}

const WAITS = ['accepted', 'confirmed', 'settled'] as const;

export function registerSending(wallet: Command): void {
  const paying = withSendingOptions(wallet.command('pay').description('pay somebody inside the rollup'), 'the payee’s Tacit address')
    .option('--memo <text>', 'at most 12 bytes; the payee sees it')
    .addHelpText(
      'after',
      '\nExamples:\n  tacit wallet pay --to tacit1… --amount 0.25 --asset ETH --memo "rent nov"\n  tacit wallet pay --to tacit1… --amount 20 --asset TUSD --prove farm --workers 2 --json',
    );
  runs<SendingOptions & ProvingOptions>(paying, (options) => withSession(options, (session) => runSend(session, options, 'pay')));

  const withdrawing = withSendingOptions(
    wallet.command('withdraw').description('take money out to an L1 account; amount, asset and recipient become public'),
    'the L1 account (0x…)',
  ).addHelpText('after', '\nExample:\n  tacit wallet withdraw --to 0x… --amount 60 --asset TUSD');
  runs<SendingOptions & ProvingOptions>(withdrawing, (options) => withSession(options, (session) => runSend(session, options, 'withdraw')));

  const merging = withProvingOptions(
    withNodeOptions(wallet.command('merge').description('bring money together, so that one payment can spend it')),
  )
    .requiredOption('--amount <decimal>', 'what one payment shall be able to spend afterwards')
    .option('--asset <name>', 'symbol or number', '0')
    .option('--fee <choice>', 'quote: what the node asks, in the native coin; none', 'quote')
    .addHelpText('after', '\nExample:\n  tacit wallet merge --amount 12.5 --asset ETH');
  runs<MergingOptions & ProvingOptions>(merging, (options) => withSession(options, (session) => runMerge(session, options)));

  const resuming = withProvingOptions(
    withNodeOptions(wallet.command('resume').description('bring transfers that were interrupted to the node again, as they were signed')),
  ).addHelpText('after', '\nExample:\n  tacit wallet resume --wallet alice.wallet');
  runs<ChainOptions & ProvingOptions>(resuming, (options) => withSession(options, (session) => runResume(session, options)));
}

function withSendingOptions(command: Command, toText: string): Command {
  return withProvingOptions(withNodeOptions(command))
    .requiredOption('--to <address>', toText)
    .requiredOption('--amount <decimal>', 'how much, in the asset’s unit, such as 1.5')
    .option('--asset <name>', 'symbol or number', '0')
    .option('--fee <choice>', 'quote: what the node asks, in the native coin; none', 'quote')
    .option('--wait <stage>', 'return when accepted, confirmed (signed by the operator) or settled (on the chain)', 'confirmed');
}

function withProvingOptions(command: Command, where: 'home' | undefined = 'home'): Command {
  return command
    .option('--prove <where>', 'home (tells nobody anything) or farm', where)
    .option('--backend <name>', `with --prove home: ${BACKEND_NAMES.join(', ')} (auto: a GPU where it was measured to be faster)`, 'auto')
    .option('--workers <n>', 'with --prove farm: at most so many workers can read the job (default: all of the roster)')
    .option('--received-notes-too', 'with --prove farm: also for notes that others paid (see docs/threat-model.md)')
    .option('--yes', 'with --prove farm: do not ask');
}

async function runSend(session: Session, options: SendingOptions & ProvingOptions, action: 'pay' | 'withdraw'): Promise<CommandResult> {
  const { wallet, environment, assets, bars } = session;
  const wait = oneOf('wait', options.wait, WAITS);
  const fee = oneOf('fee', options.fee, ['quote', 'none'] as const);
  const asset = assetNamed(assets, options.asset);
  const value = amountOf(asset, options.amount);
  const backend = backendFrom(options.backend);
  const sending = { ...(await provingOptions(options)), fee, onProgress: (fraction: number) => bars.report('proving', fraction) };
  await sync(wallet, environment, { onProgress: reportSync(bars) });
  const { result: sent, proofs } = await withHomeProver(bars, backend, (prover) => {
    const common = { ...sending, ...(sending.prove === 'home' ? { prover } : {}), asset: asset.id, value };
    return action === 'pay'
      ? pay(wallet, environment, { ...common, to: options.to, memo: options.memo ?? '' })
      : withdraw(wallet, environment, { ...common, recipient: options.to });
  });
  const status = await follow(session, sent, wait);
  const text = [
    `${action === 'pay' ? 'paid' : 'withdrew'} ${money(assets, asset.id, value)}: ${status.status}`,
    `transfer ${sent.id}`,
    ...(sent.fee === 0n ? [] : [`fee      ${money(assets, 0, sent.fee)}`]),
    ...(status.settlementTx === undefined ? [] : [`settled  ${status.settlementTx}`]),
  ];
  return { value: { ...sent, asset: asset.id, value, status, ...provenBy(proofs) }, text: text.join('\n') };
}

/** For --json: of each proof made at home, where its sums were computed and what a GPU failed at. */
function provenBy(proofs: readonly ProofFacts[]): { readonly proofs?: readonly ProofFacts[] } {
  return proofs.length === 0 ? {} : { proofs };
}

/** Says what the farm learns before it learns it. @throws TacitError DECLINED */
async function provingOptions(options: ProvingOptions): Promise<SendOptions & { prove: 'home' | 'farm' }> {
  const prove = oneOf('prove', options.prove ?? 'home', ['home', 'farm'] as const);
  if (prove === 'home') return { prove };
  say(FARM_DISCLOSURE);
  if (options.yes !== true && !(await confirms('Seal this job for the farm?')))
    throw new TacitError('DECLINED', 'nothing was sealed or sent');
  return {
    prove,
    ...(options.workers === undefined ? {} : { workers: wholeNumber('workers', options.workers) }),
    receivedNotesToo: options.receivedNotesToo === true,
  };
}

async function follow({ wallet, environment }: Session, sent: SentTransfer, wait: (typeof WAITS)[number]): Promise<TransferStatus> {
  const onStatus = ({ status }: TransferStatus) => say(`  ${status}`);
  if (wait === 'accepted') return sent.status;
  if (wait === 'confirmed') return awaitConfirmed(environment, sent.id, { onStatus });
  const { settled } = await awaitSettled(wallet, environment, sent.id, { onStatus });
  return {
    ...sent.status,
    status: 'settled',
    ...(settled === undefined ? {} : { settlementTx: settled.tx, settlementBlock: settled.block }),
  };
}

async function runMerge(session: Session, options: MergingOptions & ProvingOptions): Promise<CommandResult> {
  const { wallet, environment, assets, bars } = session;
  const fee = oneOf('fee', options.fee, ['quote', 'none'] as const);
  const asset = assetNamed(assets, options.asset);
  const value = amountOf(asset, options.amount);
  const backend = backendFrom(options.backend);
  const sending = { ...(await provingOptions(options)), fee, onProgress: (fraction: number) => bars.report('proving', fraction) };
  await sync(wallet, environment, { onProgress: reportSync(bars) });
  const { result: transfers, proofs } = await withHomeProver(bars, backend, (prover) =>
    mergeNotes(wallet, environment, {
      ...sending,
      ...(sending.prove === 'home' ? { prover } : {}),
      asset: asset.id,
      value,
      onRound: (round, count) => say(`round ${round}: ${count} transfer${count === 1 ? '' : 's'} to yourself, then their settlement`),
    }),
  );
  const ready = `one payment can spend ${money(assets, asset.id, value)}`;
  return {
    value: { asset: asset.id, value, transfers, ...provenBy(proofs) },
    text: transfers.length === 0 ? `nothing to merge: ${ready}` : `merged: ${ready}`,
  };
}

async function runResume({ wallet, environment, bars }: Session, options: ProvingOptions): Promise<CommandResult> {
  // Without --prove each is proven where it was to be proven; what the farm learns was said then.
  const proving = options.prove === undefined ? {} : await provingOptions(options);
  const { result: resumed } = await withHomeProver(bars, backendFrom(options.backend), (prover) =>
    resume(wallet, environment, { ...proving, prover }),
  );
  return {
    value: resumed,
    text: resumed.length === 0 ? 'nothing is open' : resumed.map(({ id, outcome }) => `${id}  ${outcome}`).join('\n'),
  };
}
