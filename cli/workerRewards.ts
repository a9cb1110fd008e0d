/**
 * `tacit worker rewards` and `tacit worker claim`: what the contract owes to the address of a worker, and getting it.
 * Credits are read from the contract alone. Anybody may have a credit paid out to its owner, so another account can pay the
 * gas; only the owner itself may send it elsewhere.
 */
import type { Command } from 'commander';
import { formatAmount } from '../client/amount.js';
import { bytesToHex } from '../protocol/bytes.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { Amount, EvmAddress } from '../protocol/flavor.js';
import { WorkerKeys } from '../prover/workerKeys.js';
import { openAccount } from '../verifier-contract/account.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type RegisteredAsset, readAssets } from '../verifier-contract/token.js';
import { type CommandResult, runs } from './output.js';
import { readKeyFile } from './secretFile.js';

interface RewardFlags {
  rpc: string;
  contract: string;
  keys?: string;
  account?: string;
}

interface ClaimFlags extends RewardFlags {
  keys: string;
  to?: string;
  payerKeyFile?: string;
}

interface Reward {
  readonly asset: RegisteredAsset;
  readonly amount: Amount;
}

/** Adds both to the group of a worker's commands. */
export function registerWorkerRewards(group: Command): void {
  const rewards = group
    .command('rewards')
    .description('what the contract owes to a worker, per asset')
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain', process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'rollup contract', process.env.TACIT_CONTRACT)
    .option('--keys <file>', 'worker keys')
    .option('--account <address>', 'the address that is paid, where the keys are elsewhere')
    .addHelpText('after', '\nExample:\n  tacit worker rewards --rpc http://127.0.0.1:8545 --contract 0x… --keys worker.json');
  runs<RewardFlags>(rewards, showRewards);
  const claim = group
    .command('claim')
    .description('have everything paid out that the contract owes to a worker')
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain', process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'rollup contract', process.env.TACIT_CONTRACT)
    .requiredOption('--keys <file>', 'worker keys')
    .option('--to <address>', 'pay out to this address instead of the worker’s own')
    .option('--payer-key-file <file>', 'private key (mode 600) of another account that pays the gas; not with --to')
    .addHelpText('after', '\nExample:\n  tacit worker claim --rpc http://127.0.0.1:8545 --contract 0x… --keys worker.json');
  runs<ClaimFlags>(claim, claimRewards);
}

async function showRewards(flags: RewardFlags): Promise<CommandResult> {
  return withRollup(flags, async (rollup) => {
    const account = await accountOf(flags);
    const rewards = await readRewards(rollup, account);
    return { value: { account, rewards: rewards.map(plain) }, text: [`credited to ${account}:`, ...lines(rewards)].join('\n') };
  });
}

async function claimRewards(flags: ClaimFlags): Promise<CommandResult> {
  if (flags.to !== undefined && flags.payerKeyFile !== undefined)
    throw new TacitError('OPTION_INVALID', 'only the worker itself can send its credit elsewhere', {
      expected: '--to or --payer-key-file',
    });
  return withRollup(flags, async (rollup) => {
    const keys = await WorkerKeys.read(flags.keys);
    const to = flags.to === undefined ? keys.address : assertEvmAddress(flags.to.toLowerCase(), 'recipient');
    const payer = flags.payerKeyFile === undefined ? bytesToHex(keys.account) : readKeyFile(flags.payerKeyFile);
    const paying = rollup.connect(openAccount(rollup.provider, payer));
    const claimed: (Reward & { readonly tx: string })[] = [];
    for (const { asset, amount } of await readRewards(rollup, keys.address)) {
      if (amount === 0n) continue;
      const { hash, amount: paid } = await paying.claim(keys.address, asset.id, to).catch((error: unknown) => {
        if (!isTacitError(error, 'FUNDS_TOO_LOW') || flags.payerKeyFile !== undefined) throw error;
        throw new TacitError('FUNDS_TOO_LOW', 'the worker’s own account cannot pay the gas', {
          expected: `some of the chain’s coin at ${keys.address}, or another account with --payer-key-file`,
          cause: error,
        });
      });
      claimed.push({ asset, amount: paid, tx: hash });
    }
    return {
      value: { account: keys.address, to, claimed: claimed.map((entry) => ({ ...plain(entry), tx: entry.tx })) },
      text: claimed.length === 0 ? `nothing is owed to ${keys.address}` : [`paid to ${to}:`, ...lines(claimed)].join('\n'),
    };
  });
}

/** Of every asset that the contract knows, also those of which nothing is owed. */
export async function readRewards(rollup: RollupContract, account: EvmAddress): Promise<Reward[]> {
  const assets = await readAssets(rollup);
  return Promise.all(assets.map(async (asset) => ({ asset, amount: await rollup.credits(account, asset.id) })));
}

async function withRollup(flags: RewardFlags, body: (rollup: RollupContract) => Promise<CommandResult>): Promise<CommandResult> {
  const provider = await openRpc(flags.rpc);
  try {
    const rollup = new RollupContract(flags.contract, provider);
    await rollup.assertDeployed();
    return await body(rollup);
  } finally {
    provider.destroy();
  }
}

async function accountOf({ keys, account }: RewardFlags): Promise<EvmAddress> {
  if (account !== undefined) return assertEvmAddress(account.toLowerCase(), 'account');
  if (keys === undefined) throw new TacitError('OPTION_MISSING', 'whose rewards?', { expected: '--keys FILE or --account ADDRESS' });
  return (await WorkerKeys.read(keys)).address;
}

function plain({ asset, amount }: Reward): { asset: number; symbol: string; amount: string } {
  return { asset: asset.id, symbol: asset.symbol, amount: String(amount) };
}

function lines(rewards: readonly Reward[]): string[] {
  return rewards.map(({ asset, amount }) => `  ${formatAmount(amount, asset.decimals)} ${asset.symbol}`);
}
