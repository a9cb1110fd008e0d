/** What the settlements of a chain carried and cost, read from the chain itself. */
import type { Hex } from '../protocol/flavor.js';
import { onChain } from '../verifier-contract/contractError.js';
import { readHistory } from '../verifier-contract/history.js';
import { replayHistory } from '../verifier-contract/replay.js';
import type { RollupContract } from '../verifier-contract/rollup.js';

export interface SettlementCost {
  readonly tx: Hex;
  readonly block: number;
  /** Records of clients and farm, and forced ones. */
  readonly transfers: number;
  /** Deposits and forced transfers taken from the queue. */
  readonly queueItems: number;
  readonly updates: number;
  /** Groth16 proofs folded into one check. */
  readonly proofs: number;
  readonly gas: number;
  readonly calldataBytes: number;
}

export async function settlementCosts(rollup: RollupContract, fromBlock: number): Promise<SettlementCost[]> {
  const { settlements } = replayHistory(await readHistory(rollup.provider, rollup.address, fromBlock));
  return Promise.all(
    settlements.map(async ({ event, settlement }) => {
      const receipt = await onChain('read a receipt', () => rollup.provider.getTransactionReceipt(event.transactionHash));
      return {
        tx: event.transactionHash,
        block: event.blockNumber,
        transfers: settlement.forced.length + settlement.transfers.reduce((sum, { records }) => sum + records.length, 0),
        queueItems: settlement.queueItems,
        updates: settlement.updates.length,
        proofs: settlement.transfers.length + settlement.updates.length,
        gas: Number(receipt?.gasUsed ?? 0n),
        calldataBytes: event.data.length / 2 - 1,
      };
    }),
  );
}
