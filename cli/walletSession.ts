/**
 * What the wallet commands have in common: options, an open wallet, a connection, the assets' names, and the end of all
 * of them whatever happens.
 */
import type { Command } from 'commander';
import { resolveProvingFiles } from '../circuits/artifacts.js';
import { formatAmount, parseAmount } from '../client/amount.js';
import { connect, type WalletEnvironment } from '../client/environment.js';
import { FundsError } from '../client/fundsError.js';
import { HomeProver } from '../client/homeProver.js';
import { openWallet } from '../client/openWallet.js';
import type { Wallet } from '../client/wallet.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId } from '../protocol/flavor.js';
import { describeSums, usedGpu } from '../prover/backends/gpuReport.js';
import type { ProofFacts } from '../prover/observer.js';
import type { BackendName } from '../prover/prove.js';
import { type RegisteredAsset, readAssets } from '../verifier-contract/token.js';
import { say } from './output.js';
import { type ProgressBars, progressBars } from './progress.js';
import { readSecret } from './prompt.js';

export interface WalletOptions {
  readonly wallet: string;
  readonly passphraseFile?: string;
}

export interface ChainOptions extends WalletOptions {
  readonly rpc: string;
  readonly node?: string;
  readonly operator?: string;
  readonly confirmations?: string;
}

export interface Session {
  readonly wallet: Wallet;
  readonly environment: WalletEnvironment;
  readonly assets: readonly RegisteredAsset[];
  readonly bars: ProgressBars;
}

export const PASSPHRASE = 'passphrase';

export function withWalletOptions(command: Command): Command {
  return command
    .option('--wallet <file>', 'the wallet file', process.env.TACIT_WALLET ?? 'tacit.wallet')
    .option('--passphrase-file <file>', 'read the passphrase from the first line of this file instead of asking');
}

export function withChainOptions(command: Command): Command {
  return withWalletOptions(command)
    .option('--rpc <url>', "the chain's JSON-RPC", process.env.TACIT_RPC ?? 'http://127.0.0.1:8545')
    .option('--confirmations <n>', "blocks on top of a settlement before it counts (default: the node's, or 1)");
}

export function withNodeOptions(command: Command): Command {
  return withChainOptions(command)
    .option('--node <url>', "a node's gateway", process.env.TACIT_NODE ?? 'http://127.0.0.1:8080')
    .option('--operator <address>', "the node's account, where it serves in the place of the contract's own operator");
}

/** Opens the wallet for commands that need no chain. */
export async function withWallet<T>(options: WalletOptions, act: (wallet: Wallet) => Promise<T>): Promise<T> {
  const wallet = await openWallet({
    path: options.wallet,
    passphrase: await readSecret(PASSPHRASE, options.passphraseFile, '--passphrase-file'),
  });
  try {
    return await act(wallet);
  } finally {
    await wallet.close();
  }
}

/** Opens wallet and connection. */
export async function withSession<T>(options: ChainOptions, act: (session: Session) => Promise<T>): Promise<T> {
  return withWallet(options, async (wallet) => {
    const environment = await connect({
      rpcUrl: options.rpc,
      contract: wallet.state.contract,
      ...(options.node === undefined ? {} : { nodeUrl: options.node }),
      ...(options.operator === undefined ? {} : { operator: options.operator }),
      ...(options.confirmations === undefined ? {} : { confirmationDepth: wholeNumber('confirmations', options.confirmations) }),
    });
    const bars = progressBars();
    try {
      const assets = await readAssets(environment.rollup);
      return await inUnits(assets, () => act({ wallet, environment, assets, bars }));
    } finally {
      bars.close();
      environment.close();
    }
  });
}

/** Says in the asset's unit, as people type it, what is missing. */
async function inUnits<T>(assets: readonly RegisteredAsset[], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof FundsError ? error.shownAs((asset, value) => money(assets, asset, value)) : error;
  }
}

/** What `act` came to, and how each proof at home came about. */
export interface ProvenAtHome<T> {
  readonly result: T;
  readonly proofs: readonly ProofFacts[];
}

/** A prover that shows what it builds and says what a GPU did or failed at, for as long as `act` runs. */
export async function withHomeProver<T>(
  bars: ProgressBars,
  backend: BackendName,
  act: (prover: HomeProver) => Promise<T>,
): Promise<ProvenAtHome<T>> {
  const artifacts = () =>
    resolveProvingFiles('transfer_1', { onProgress: ({ phase, circuit, fraction }) => bars.report(`${phase} ${circuit}`, fraction) });
  const proofs: ProofFacts[] = [];
  const onProved = (facts: ProofFacts): void => {
    proofs.push(facts);
    for (const { message } of facts.gpuFailures) say(`the GPU failed, the proof was finished without it: ${message}`);
    if (usedGpu(facts.sums)) say(`proven at home, sums ${describeSums(facts.sums)}`);
  };
  const prover = new HomeProver({ artifacts, backend, onProved });
  try {
    return { result: await act(prover), proofs };
  } finally {
    await prover.close();
  }
}

/** By symbol, or by number. @throws TacitError ASSET_UNKNOWN, ASSET_AMBIGUOUS (two tokens may call themselves the same) */
export function assetNamed(assets: readonly RegisteredAsset[], name: string): RegisteredAsset {
  const found = /^\d+$/.test(name)
    ? assets.filter(({ id }) => id === Number(name))
    : assets.filter(({ symbol }) => symbol.toLowerCase() === name.toLowerCase());
  const [asset, second] = found;
  if (asset === undefined)
    throw new TacitError('ASSET_UNKNOWN', 'the rollup has no such asset', {
      expected: assets.map(({ id, symbol }) => `${symbol} (${id})`).join(', '),
      got: name,
    });
  if (second !== undefined)
    throw new TacitError('ASSET_AMBIGUOUS', 'several assets have this name; use the number', {
      expected: found.map(({ id, token }) => `${id} (${token})`).join(', '),
      got: name,
    });
  return asset;
}

export function amountOf(asset: RegisteredAsset, text: string): Amount {
  return parseAmount(text, asset.decimals);
}

/** "1.5 ETH" */
export function money(assets: readonly RegisteredAsset[], id: AssetId, value: Amount): string {
  const asset = assets.find((candidate) => candidate.id === id);
  return asset === undefined ? `${value} of asset ${id}` : `${formatAmount(value, asset.decimals)} ${asset.symbol}`;
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TacitError('USAGE', `--${option} is not a whole number`, { expected: 'digits', got: text });
  return Number(text);
}

export function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new TacitError('USAGE', `--${option} has an unknown value`, { expected: choices.join(', '), got: text });
  return found;
}

/** Progress of a long reading of the chain, told now and then. */
export function reportSync(bars: ProgressBars): (doneBlocks: number, totalBlocks: number) => void {
  return (done, total) => {
    if (total > MANY_BLOCKS) bars.report('reading the chain', done / total);
  };
}

const MANY_BLOCKS = 2_000;
