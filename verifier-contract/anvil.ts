/**
 * A chain of one's own: anvil as a child process on a free port, gone when its parent is gone, whatever the parent
 * died of.
 *
 * Where there is a POSIX shell, anvil runs under a guard that waits for the end of its standard input, which the
 * kernel closes with the parent; elsewhere a handler at exit has to do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { HDNodeWallet, Mnemonic } from 'ethers';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';

export interface AnvilOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** A block every so often. Default: a block for each transaction. */
  readonly blockTimeMs?: number;
  /** With `blockTimeMs`: a block for each transaction as well. */
  readonly mixedMining?: boolean;
  /** Default 31337. */
  readonly chainId?: number;
  /** Funded accounts. Default 10. */
  readonly accounts?: number;
  /** More arguments of anvil's command line. */
  readonly extraArgs?: readonly string[];
}

export interface AnvilAccount {
  readonly address: EvmAddress;
  readonly privateKey: Hex;
}

export interface Anvil {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** Each holds 10,000 coins. Keys known to the whole world. */
  readonly accounts: readonly AnvilAccount[];
  stop(): Promise<void>;
}

// The mnemonic of anvil and hardhat, published for development.
const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';
const START_LIMIT_MS = 20_000;
const POLL_MS = 25;
const GUARD = '"$0" "$@" & child=$!; (cat > /dev/null; kill "$child" 2> /dev/null) <&3 & wait "$child"';

/** @throws TacitError ANVIL_MISSING, ANVIL_FAILED */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const port = options.port ?? (await freePort());
  const chainId = options.chainId ?? 31337;
  const count = options.accounts ?? 10;
  const args = [
    '--port',
    `${port}`,
    '--chain-id',
    `${chainId}`,
    '--accounts',
    `${count}`,
    '--host',
    '127.0.0.1',
    '--quiet',
    ...(options.extraArgs ?? []),
  ];
  if (options.blockTimeMs !== undefined) args.push('--block-time', `${options.blockTimeMs / 1000}`);
  if (options.mixedMining === true) args.push('--mixed-mining');
  const child = spawnGuarded(anvilPath(), args);
  const rpcUrl = `http://127.0.0.1:${port}`;
  try {
    await waitUntilUp(rpcUrl, chainId, child);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { rpcUrl, chainId, accounts: developmentAccounts(count), stop: () => stop(child) };
}

/** The accounts that anvil funds, in its order. */
export function developmentAccounts(count: number): AnvilAccount[] {
  const mnemonic = Mnemonic.fromPhrase(DEVELOPMENT_MNEMONIC);
  return Array.from({ length: count }, (_, index) => {
    const { address, privateKey } = HDNodeWallet.fromMnemonic(mnemonic, `m/44'/60'/0'/0/${index}`);
    return { address: address.toLowerCase(), privateKey };
  });
}

function anvilPath(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const windows = process.platform === 'win32';
  const name = `@foundry-rs/anvil-${windows ? 'win32' : process.platform}-${arch}/bin/anvil${windows ? '.exe' : ''}`;
  const require = createRequire(import.meta.url);
  try {
    // The platform package is a dependency of the tool's package, wherever the installer put it.
    return createRequire(require.resolve('@foundry-rs/anvil/package.json')).resolve(name);
  } catch (cause) {
    throw new TacitError('ANVIL_MISSING', 'anvil is not installed for this machine', { expected: name, cause });
  }
}

function spawnGuarded(path: string, args: readonly string[]): ChildProcess {
  if (process.platform === 'win32') {
    const child = spawn(path, args, { stdio: 'ignore' });
    process.once('exit', () => child.kill());
    return child;
  }
  return spawn('sh', ['-c', GUARD, path, ...args], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
}

async function waitUntilUp(rpcUrl: string, chainId: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null)
      throw new TacitError('ANVIL_FAILED', 'anvil ended while starting', { got: `exit status ${child.exitCode}` });
    const answer = await chainIdAt(rpcUrl);
    if (answer === chainId) return;
    if (answer !== undefined)
      throw new TacitError('ANVIL_FAILED', 'another chain answers on this port', { expected: `${chainId}`, got: `${answer}` });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new TacitError('ANVIL_FAILED', 'anvil does not answer', { expected: `an answer within ${START_LIMIT_MS} ms` });
}

async function chainIdAt(rpcUrl: string): Promise<number | undefined> {
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
    const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return Number(((await response.json()) as { result: string }).result);
  } catch {
    return undefined; // not listening yet
  }
}

/** Closes the guard's input and waits for the end. */
function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    const guard = child.stdio[3];
    if (guard) guard.destroy();
    else child.kill();
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
