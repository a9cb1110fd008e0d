/**
 * A process that stores a view of the chain over an earlier one and is killed on the way: before a chosen row, after the last one
 * and before the transaction ends, or while it is flushed. One argument, JSON. Prints `stored` where it lived to see the end.
 */
import { type ChainView, extendView, genesisView } from '../../aggregator/chainView.js';
import { storeCheckpoint } from '../../aggregator/checkpoint.js';
import { RpcNodeChain } from '../../aggregator/nodeChain.js';
import type { JournalPort, WriteTables } from '../../ledger/effects.js';
import { openJournal } from '../../ledger/journal.js';

export interface WriterOrder {
  readonly journalDir: string;
  readonly rpcUrl: string;
  readonly key: string;
  readonly domain: { readonly chainId: string; readonly contract: string };
  readonly deploymentBlock: number;
  /** Block of the view that is stored already, and of the one to be stored. */
  readonly before: number;
  readonly after: number;
  /** True: nothing of what is stored is built upon, all rows are written. */
  readonly anew: boolean;
  readonly death: WriterDeath;
}

/** `row`: before the write of that number, the first is 1; `written`: all are written; `flushing`: so long after that. */
export type WriterDeath =
  | { readonly at: 'row'; readonly row: number }
  | { readonly at: 'written' }
  | { readonly at: 'flushing'; readonly afterMs: number };

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** The same journal, in whose transactions the process dies. */
function deadly(journal: JournalPort, death: WriterDeath): JournalPort {
  return {
    read: journal.read,
    transaction: async (body) => {
      const done = journal.transaction((tables) => {
        const result = body(death.at === 'row' ? counted(tables, death.row) : tables);
        if (death.at === 'written') die();
        if (death.at === 'flushing') setTimeout(die, death.afterMs);
        return result;
      });
      return done;
    },
  };
}

function counted(tables: WriteTables, row: number): WriteTables {
  let writes = 0;
  const count = (): void => {
    if (++writes === row) die();
  };
  const { checkpoint } = tables;
  return {
    ...tables,
    checkpoint: {
      ...checkpoint,
      put: (key, content) => {
        count();
        checkpoint.put(key, content);
      },
      remove: (key) => {
        count();
        return checkpoint.remove(key);
      },
    },
  };
}

const order = JSON.parse(process.argv[2] as string) as WriterOrder;
const domain = { chainId: BigInt(order.domain.chainId), contract: order.domain.contract };
const chain = await RpcNodeChain.open(order.rpcUrl, order.key, domain);

async function viewAt(number: number): Promise<ChainView> {
  const [start, head] = await Promise.all([chain.block(order.deploymentBlock - 1), chain.block(number)]);
  if (start === undefined || head === undefined) throw new Error(`no block ${number}`);
  const events = await chain.history(order.deploymentBlock, number);
  return extendView(genesisView(start), events, head, await chain.headSeconds(number), domain);
}

const [before, after] = [await viewAt(order.before), await viewAt(order.after)];
const journal = openJournal(order.journalDir, domain);
await storeCheckpoint(deadly(journal, order.death), after, order.anew ? undefined : before);
process.stdout.write('stored\n');
await journal.close();
await chain.close();
