/**
 * A process that writes to a journal until it is killed: argument 1 the directory, 2 the mode.
 * Prints the sequence number of each transaction after its promise has resolved, which is its promise to the world.
 */
import { openJournal } from '../../ledger/journal.js';

const [dir, mode] = process.argv.slice(2) as [string, string];
const journal = openJournal(dir, { chainId: 31337n, contract: `0x${'c0'.repeat(20)}` });

if (mode === 'hold') {
  process.stdout.write('open\n');
  setInterval(() => {}, 1000);
} else {
  for (;;) {
    const sequence = await journal.transaction((tables) => {
      const next = tables.next('sequence');
      tables.sequence.add(next, `0x${next.toString(16).padStart(64, '0')}`);
      if (mode === 'die-inside' && next === 20) process.kill(process.pid, 'SIGKILL');
      tables.facts.put('last', String(next));
      return next;
    });
    process.stdout.write(`${sequence}\n`);
  }
}
