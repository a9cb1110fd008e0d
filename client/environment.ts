/**
 * What a wallet talks to: the chain, which it believes, and a node, which it does not.
 *
 * A node's description of itself is checked against the chain before it is used: same chain, same contract, and the
 * operator whose signatures count is the aggregator that the contract names, or the successor that the caller names in its place.
 */
import { TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { networkForChain } from '../protocol/keys.js';
import type { Domain } from '../protocol/record.js';
import { GatewayClient } from '../queue/gatewayClient.js';
import type { NodeInfo } from '../queue/service.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import type { WalletHome } from './state.js';

export interface ConnectParameters {
  readonly rpcUrl: string;
  readonly contract: EvmAddress;
  /** Needed for paying, not for looking. */
  readonly nodeUrl?: string;
  /** Account that signs for the node, where that is not the contract's aggregator: a successor that serves in its place. */
  readonly operator?: EvmAddress;
  /** Blocks on top of a settlement before the wallet counts it. Default: what the node uses, or 1 without a node. */
  readonly confirmationDepth?: number;
}

export interface WalletEnvironment {
  readonly rollup: RollupContract;
  readonly home: WalletHome;
  readonly domain: Domain;
  readonly node: GatewayClient | undefined;
  /** Signs soft confirmations and rosters: the account that the contract names, or the successor that was asked for. */
  readonly operator: EvmAddress;
  readonly confirmationDepth: number;
  /** Ends the connection to the chain. */
  close(): void;
}

const DEFAULT_DEPTH = 1;

/** @throws TacitError EVM_ADDRESS_INVALID, RPC_UNREACHABLE, CONTRACT_ABSENT, NODE_URL, NODE_UNREACHABLE, NODE_MISMATCH */
export async function connect({
  rpcUrl,
  contract,
  nodeUrl,
  operator: successor,
  confirmationDepth,
}: ConnectParameters): Promise<WalletEnvironment> {
  const named = successor === undefined ? undefined : assertEvmAddress(successor.toLowerCase(), 'operator');
  const provider = await openRpc(rpcUrl);
  try {
    const rollup = new RollupContract(contract, provider);
    await rollup.assertDeployed();
    const [domain, config] = await Promise.all([rollup.domain(), rollup.config()]);
    const node = nodeUrl === undefined ? undefined : new GatewayClient(nodeUrl);
    const info = await node?.info();
    const operator = named ?? config.aggregator;
    if (info !== undefined) assertNode(info, domain, operator);
    const home: WalletHome = {
      network: networkForChain(domain.chainId),
      chainId: String(domain.chainId),
      contract: domain.contract,
      deploymentBlock: config.deploymentBlock,
    };
    return {
      rollup,
      home,
      domain,
      node,
      operator,
      confirmationDepth: confirmationDepth ?? info?.confirmationDepth ?? DEFAULT_DEPTH,
      close: () => provider.destroy(),
    };
  } catch (error) {
    provider.destroy();
    throw error;
  }
}

/** @throws TacitError NODE_MISSING when the environment has none */
export function nodeOf(environment: WalletEnvironment): GatewayClient {
  if (environment.node === undefined)
    throw new TacitError('NODE_MISSING', 'this needs a node', { expected: 'the URL of a node’s gateway' });
  return environment.node;
}

/** @throws TacitError WALLET_ELSEWHERE when wallet and environment are not about the same rollup */
export function assertHome(home: WalletHome, environment: WalletEnvironment): void {
  if (home.chainId !== environment.home.chainId || home.contract !== environment.home.contract) {
    throw new TacitError('WALLET_ELSEWHERE', 'the wallet belongs to another rollup', {
      expected: `chain ${home.chainId}, contract ${home.contract}`,
      got: `chain ${environment.home.chainId}, contract ${environment.home.contract}`,
    });
  }
}

function assertNode(info: NodeInfo, domain: Domain, operator: EvmAddress): void {
  const differences: [string, string, string][] = [
    ['chain', String(domain.chainId), String(info.chainId)],
    ['contract', domain.contract, info.contract.toLowerCase()],
    ['operator', operator, info.operator.toLowerCase()],
  ];
  for (const [what, expected, got] of differences)
    if (expected !== got) throw new TacitError('NODE_MISMATCH', `the node has another ${what} than it should`, { expected, got });
}
