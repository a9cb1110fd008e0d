/** The contract's terms, read once, before a node has any port to the chain. */
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { type RollupConfig, RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import type { NodeConfig } from './config.js';

/** What the contract has fixed for ever, as far as a node goes by it. */
export type ContractTerms = Pick<RollupConfig, 'aggregator' | 'queueDelaySeconds' | 'shares'>;

/** @throws TacitError RPC_UNREACHABLE, CONTRACT_ABSENT; NOT_THE_AGGREGATOR where `settler` is another account and no successor is meant */
export async function readTerms({ rpcUrl, domain, successor = false }: NodeConfig, settler: EvmAddress): Promise<ContractTerms> {
  const provider = await openRpc(rpcUrl);
  try {
    const rollup = new RollupContract(domain.contract, provider);
    await rollup.assertDeployed();
    const { aggregator, queueDelaySeconds, shares } = await rollup.config();
    if (aggregator !== settler && !successor)
      throw new TacitError('NOT_THE_AGGREGATOR', 'the contract takes settlements from another account, while its queue is not overdue', {
        expected: `${aggregator}, or a node that is started as a successor`,
        got: settler,
        docs: 'how-to/operate-a-farm.md',
      });
    return { aggregator, queueDelaySeconds, shares };
  } finally {
    provider.destroy();
  }
}
