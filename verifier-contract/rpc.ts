/**
 * A connection to an EVM chain by JSON-RPC, checked before it is handed out.
 */
import { FetchRequest, JsonRpcProvider, Network } from 'ethers';
import { TacitError } from '../protocol/errors.js';

export interface RpcOptions {
  /** Wait for the first answer. Default 10 s. */
  readonly timeoutMs?: number;
  /** Wait for each later one, a whole range of logs perhaps. Default 15 s; ethers' own 5 minutes would hold a node up for so long. */
  readonly requestTimeoutMs?: number;
  /** How often to look for a receipt or a block. Default 250 ms, right for local chains; raise it for metered ones. */
  readonly pollingMs?: number;
}

const TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const POLLING_MS = 250;

/**
 * Asks for the chain id, then opens a provider fixed to it: no caching, no batching delay, no silent retry loop.
 * @throws TacitError RPC_UNREACHABLE
 */
export async function openRpc(rpcUrl: string, options: RpcOptions = {}): Promise<JsonRpcProvider> {
  const network = Network.from(await readChainId(rpcUrl, options.timeoutMs ?? TIMEOUT_MS));
  const request = new FetchRequest(rpcUrl);
  request.timeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  return new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: 1,
    pollingInterval: options.pollingMs ?? POLLING_MS,
  });
}

async function readChainId(rpcUrl: string, timeoutMs: number): Promise<bigint> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return BigInt(((await response.json()) as { result: string }).result);
  } catch (cause) {
    throw new TacitError('RPC_UNREACHABLE', 'no EVM chain answers at this RPC address', {
      expected: 'an answer to eth_chainId',
      got: rpcUrl,
      retryable: true,
      cause,
    });
  }
}
