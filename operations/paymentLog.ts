/** One line for every stage of every payment, as the node tells it. */
import type { NodeEvent } from '../queue/service.js';
import type { ProcessLog } from './logger.js';

/** @param subscribe the node's; its return value ends the log */
export function logPayments(subscribe: (listener: (event: NodeEvent) => void) => () => void, log: ProcessLog): () => void {
  return subscribe((event) => {
    if (event.type === 'transfer') {
      const { id, status, reason, prover, position, settlementTx } = event.transfer;
      log.event(reason === undefined ? status : `${status}: ${reason}`, {
        payment: id,
        stage: status,
        ...(reason === undefined ? {} : { reason }),
        ...(prover === undefined ? {} : { prover }),
        ...(position === undefined ? {} : { position }),
        ...(settlementTx === undefined ? {} : { settlementTx }),
      });
    }
    if (event.type === 'settlement') {
      const { txHash, block, transfers, queueItems } = event.settlement;
      log.event(`settlement in block ${block}: ${transfers.length} transfers, ${queueItems} queue items`, {
        settlementTx: txHash,
        block,
        transfers: transfers.length,
        queueItems,
        payments: transfers,
      });
    }
  });
}
