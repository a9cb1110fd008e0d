/**
 * ERC-20 tokens as the rollup needs them: what they are called, who holds what, what the rollup may take (EIP-20).
 */
import { Contract, type Provider, type Signer } from 'ethers';
import { NATIVE_ASSET, ZERO_ADDRESS } from '../protocol/constants.js';
import type { Amount, AssetId, EvmAddress } from '../protocol/flavor.js';
import { onChain } from './contractError.js';
import type { RollupContract } from './rollup.js';

const ABI = [
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
  'function balanceOf(address) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 value) returns (bool)',
  'function mint(address to, uint256 value)',
];

/** One asset of a rollup; the native coin has id 0, the zero address and 18 decimals. */
export interface RegisteredAsset {
  readonly id: AssetId;
  readonly token: EvmAddress;
  readonly symbol: string;
  readonly decimals: number;
}

const NATIVE_DECIMALS = 18;
const MAX_SYMBOL_LENGTH = 16;
/** Anybody may register assets, and everybody reads them all at the start. */
const READ_AT_ONCE = 32;

/** All assets of the rollup, by id. Tokens that do not say their name are called `asset-<id>` with 0 decimals. */
export async function readAssets(rollup: RollupContract, nativeSymbol = 'ETH'): Promise<RegisteredAsset[]> {
  const count = await rollup.assetCount();
  const assets: RegisteredAsset[] = [{ id: NATIVE_ASSET, token: ZERO_ADDRESS, symbol: nativeSymbol, decimals: NATIVE_DECIMALS }];
  for (let from = 1; from <= count; from += READ_AT_ONCE) {
    const ids = Array.from({ length: Math.min(READ_AT_ONCE, count - from + 1) }, (_, i) => from + i);
    assets.push(...(await Promise.all(ids.map((id) => readAsset(rollup, id)))));
  }
  return assets;
}

async function readAsset(rollup: RollupContract, id: AssetId): Promise<RegisteredAsset> {
  const token = await rollup.asset(id);
  return { id, token, ...(await describeToken(rollup.provider, token, `asset-${id}`)) };
}

/** What `account` holds on L1, outside the rollup. */
export function tokenBalance(runner: Provider | Signer, token: EvmAddress, account: EvmAddress): Promise<Amount> {
  return onChain('read a token balance', () => erc20(token, runner).getFunction('balanceOf').staticCall(account) as Promise<bigint>);
}

/** Lets `spender` take `value` of the signer's tokens, unless it may already; waits until mined. */
export async function approveToken(signer: Signer, token: EvmAddress, spender: EvmAddress, value: Amount): Promise<void> {
  await onChain('approve a token', async () => {
    const contract = erc20(token, signer);
    const allowed = (await contract.getFunction('allowance').staticCall(await signer.getAddress(), spender)) as bigint;
    if (allowed < value) await (await contract.getFunction('approve')(spender, value)).wait();
  });
}

/** Development tokens only: anybody may mint them. */
export async function mintTestToken(signer: Signer, token: EvmAddress, to: EvmAddress, value: Amount): Promise<void> {
  await onChain('mint a test token', async () => (await erc20(token, signer).getFunction('mint')(to, value)).wait());
}

function erc20(token: EvmAddress, runner: Provider | Signer): Contract {
  return new Contract(token, ABI, runner);
}

async function describeToken(provider: Provider, token: EvmAddress, fallback: string): Promise<{ symbol: string; decimals: number }> {
  try {
    const contract = erc20(token, provider);
    const symbol = (await contract.getFunction('symbol').staticCall()) as string;
    const decimals = Number((await contract.getFunction('decimals').staticCall()) as bigint);
    // A token's own text is untrusted: only plain short names are shown.
    return { symbol: new RegExp(`^[A-Za-z0-9._-]{1,${MAX_SYMBOL_LENGTH}}$`).test(symbol) ? symbol : fallback, decimals };
  } catch {
    return { symbol: fallback, decimals: 0 };
  }
}
