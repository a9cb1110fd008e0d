/** `tacit wallet …`: the wallet on the command line. Paying and withdrawing are in walletSend.ts. */
import type { Command } from 'commander';
import { balance } from '../client/balance.js';
import { createWallet } from '../client/createWallet.js';
import { deposit } from '../client/deposit.js';
import { connect } from '../client/environment.js';
import { type HistoryEntry, history } from '../client/history.js';
import { restoreWallet } from '../client/restoreWallet.js';
import type { WalletHome } from '../client/state.js';
import { sync } from '../client/sync.js';
import { TacitError } from '../protocol/errors.js';
import { type CommandResult, runs, say } from './output.js';
import { readNewSecret, readSecret } from './prompt.js';
import { readKeyFile } from './secretFile.js';
import { registerSending } from './walletSend.js';
import {
  amountOf,
  assetNamed,
  type ChainOptions,
  money,
  PASSPHRASE,
  reportSync,
  type Session,
  type WalletOptions,
  wholeNumber,
  withChainOptions,
  withSession,
  withWallet,
  withWalletOptions,
} from './walletSession.js';

interface NewOptions extends ChainOptions {
  readonly contract?: string;
  readonly phraseFile?: string;
  readonly addresses?: string;
}

interface DepositOptions extends ChainOptions {
  readonly asset: string;
  readonly amount: string;
  readonly to?: string;
  readonly memo?: string;
  readonly keyFile?: string;
}

export function registerWallet(program: Command): void {
  const wallet = program
    .command('wallet')
    .description('hold keys, look, pay in, pay, withdraw')
    .addHelpText(
      'after',
      '\nEnvironment: TACIT_WALLET, TACIT_RPC, TACIT_NODE and TACIT_CONTRACT are the defaults of --wallet, --rpc, --node and --contract.',
    );
  registerMaking(wallet);
  registerLooking(wallet);
  registerDeposit(wallet);
  registerSending(wallet);
}

function registerMaking(wallet: Command): void {
  const make = withChainOptions(wallet.command('new').description('make a wallet and show its recovery phrase, once'))
    .option('--contract <address>', 'the rollup contract', process.env.TACIT_CONTRACT)
    .addHelpText(
      'after',
      '\nExamples:\n  tacit wallet new --wallet alice.wallet --rpc http://127.0.0.1:8545 --contract 0x…\n  tacit wallet new --wallet alice.wallet --contract 0x… --passphrase-file alice.pass --json',
    );
  runs<NewOptions>(make, runNew);
  const restore = withChainOptions(wallet.command('restore').description('make a wallet from its recovery phrase'))
    .option('--contract <address>', 'the rollup contract', process.env.TACIT_CONTRACT)
    .option('--phrase-file <file>', 'read the recovery phrase from the first line of this file instead of asking')
    .option('--addresses <n>', 'address indexes known to be in use (others are found by looking)', '1')
    .addHelpText('after', '\nExample:\n  tacit wallet restore --wallet alice.wallet --contract 0x… --phrase-file phrase.txt');
  runs<NewOptions>(restore, runRestore);
}

function registerLooking(wallet: Command): void {
  const address = withWalletOptions(wallet.command('address').description('show an address to be paid at'))
    .option('--index <n>', 'which of the wallet’s addresses', '0')
    .option('--new', 'make a fresh one, unlinkable to the others')
    .addHelpText('after', '\nExamples:\n  tacit wallet address\n  tacit wallet address --new --json');
  runs<WalletOptions & { index: string; new?: boolean }>(address, runAddress);
  const shown = withChainOptions(wallet.command('balance').description('read the chain and show what the wallet owns')).addHelpText(
    'after',
    '\nExample:\n  tacit wallet balance --wallet alice.wallet --rpc http://127.0.0.1:8545 --json',
  );
  runs<ChainOptions>(shown, (options) => withSession(options, runBalance));
  const past = withChainOptions(wallet.command('history').description('read the chain and show what came in and went out')).addHelpText(
    'after',
    '\nExample:\n  tacit wallet history --json',
  );
  runs<ChainOptions>(past, (options) => withSession(options, runHistory));
}

function registerDeposit(wallet: Command): void {
  const command = withChainOptions(wallet.command('deposit').description('pay in from an L1 account'))
    .requiredOption('--amount <decimal>', 'how much, in the asset’s unit, such as 1.5')
    .option('--asset <name>', 'symbol or number', '0')
    .option('--to <address>', 'a Tacit address; default this wallet')
    .option('--memo <text>', 'at most 12 bytes, for the receiver')
    .option('--key-file <file>', 'file with the L1 account’s private key, mode 600; asked for otherwise')
    .addHelpText(
      'after',
      '\nExamples:\n  tacit wallet deposit --amount 1.5 --asset ETH --key-file faucet.key\n  tacit wallet deposit --amount 20 --asset TUSD --to tacit1… --memo gift --key-file l1.key',
    );
  runs<DepositOptions>(command, (options) => withSession(options, (session) => runDeposit(session, options)));
}

async function runNew(options: NewOptions): Promise<CommandResult> {
  const passphrase = await readNewSecret(PASSPHRASE, options.passphraseFile, '--passphrase-file');
  const { wallet, mnemonic } = await createWallet({ path: options.wallet, passphrase, home: await findHome(options) });
  try {
    say('Write the recovery phrase down. It is not kept and will not be shown again; whoever has it has the money.');
    const address = wallet.address();
    return { value: { path: wallet.path, address, mnemonic }, text: `wallet   ${wallet.path}\naddress  ${address}\nphrase   ${mnemonic}` };
  } finally {
    await wallet.close();
  }
}

async function runRestore(options: NewOptions): Promise<CommandResult> {
  const mnemonic = await readSecret('recovery phrase', options.phraseFile, '--phrase-file');
  const passphrase = await readNewSecret(PASSPHRASE, options.passphraseFile, '--passphrase-file');
  const addresses = Math.max(1, wholeNumber('addresses', options.addresses ?? '1'));
  const wallet = await restoreWallet({ path: options.wallet, passphrase, home: await findHome(options), mnemonic, addresses });
  try {
    const address = wallet.address();
    return { value: { path: wallet.path, address }, text: `wallet   ${wallet.path}\naddress  ${address}` };
  } finally {
    await wallet.close();
  }
}

/** The rollup that the wallet will belong to, as the chain describes it. */
async function findHome({ rpc, contract }: NewOptions): Promise<WalletHome> {
  if (contract === undefined) throw new TacitError('USAGE', 'which rollup is the wallet for?', { expected: '--contract ADDRESS' });
  const environment = await connect({ rpcUrl: rpc, contract });
  environment.close();
  return environment.home;
}

function runAddress(options: WalletOptions & { index: string; new?: boolean }): Promise<CommandResult> {
  return withWallet(options, async (wallet) => {
    const address = options.new === true ? await wallet.newAddress() : wallet.address(wholeNumber('index', options.index));
    const index = options.new === true ? wallet.state.addresses - 1 : Number(options.index);
    return { value: { address, index }, text: address };
  });
}

async function runBalance(session: Session): Promise<CommandResult> {
  const { wallet, environment, assets, bars } = session;
  const { block } = await sync(wallet, environment, { onProgress: reportSync(bars) });
  const entries = balance(wallet);
  const value = { block, assets: entries.map((entry) => ({ ...entry, symbol: assets.find(({ id }) => id === entry.asset)?.symbol })) };
  const lines = entries.map(({ asset, available, reserved, incoming, notes }) =>
    [
      `${money(assets, asset, available)} in ${notes} note${notes === 1 ? '' : 's'}`,
      ...(reserved === 0n ? [] : [`${money(assets, asset, reserved)} in open transfers`]),
      ...(incoming === 0n ? [] : [`${money(assets, asset, incoming)} deposited, not yet taken in`]),
    ].join(', '),
  );
  return { value, text: lines.join('\n') };
}

async function runHistory({ wallet, environment, assets, bars }: Session): Promise<CommandResult> {
  await sync(wallet, environment, { onProgress: reportSync(bars) });
  const entries = history(wallet);
  const line = ({ kind, status, asset, value, to, memo, block, reason }: HistoryEntry) =>
    [
      block === undefined ? '(open)' : `block ${block}`,
      kind,
      status,
      money(assets, asset, value),
      to === undefined || to === '' ? '' : `to ${to}`,
      memo === '' ? '' : `"${printable(memo)}"`,
      reason ?? '',
    ]
      .filter((part) => part !== '')
      .join('  ');
  return { value: entries, text: entries.length === 0 ? 'nothing yet' : entries.map(line).join('\n') };
}

async function runDeposit(session: Session, options: DepositOptions): Promise<CommandResult> {
  const { wallet, environment, assets } = session;
  const asset = assetNamed(assets, options.asset);
  const value = amountOf(asset, options.amount);
  const privateKey =
    options.keyFile === undefined
      ? await readSecret('private key of the L1 account', undefined, '--key-file')
      : readKeyFile(options.keyFile);
  const result = await deposit(wallet, environment, {
    privateKey,
    asset: asset.id,
    value,
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.memo === undefined ? {} : { memo: options.memo }),
  });
  const text = `deposited ${money(assets, asset.id, value)} as queue item ${result.queueIndex}, transaction ${result.tx}\nIt can be spent once a settlement has taken it in.`;
  return { value: { ...result, asset: asset.id, value }, text };
}

/** A memo is somebody else's text: control characters must not reach the terminal. */
function printable(memo: string): string {
  return memo.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');
}
