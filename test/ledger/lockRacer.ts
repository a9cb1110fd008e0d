/**
 * A process that takes a lock when it is told to: argument 1 is the lock's path. Each line on standard input is an
 * order: `take` answers `won` or the error's code, `free` releases and answers `freed`.
 */
import { createInterface } from 'node:readline';
import { acquireLock } from '../../ledger/lockFile.js';
import { isTacitError } from '../../protocol/errors.js';

const path = process.argv[2] as string;
let release: (() => void) | undefined;

function take(): string {
  try {
    release = acquireLock(path);
    return 'won';
  } catch (error) {
    return isTacitError(error) ? error.code : String(error);
  }
}

process.stdout.write('ready\n');
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'take') process.stdout.write(`${take()}\n`);
  else {
    release?.();
    release = undefined;
    process.stdout.write('freed\n');
  }
}
