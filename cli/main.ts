/**
 * `tacit`: the command line. Each group of commands registers itself; this file only puts them together.
 */
import { Command } from 'commander';
import { registerAudit } from './audit.js';
import { registerDev } from './dev.js';
import { registerDoctor } from './doctor.js';
import { registerNode } from './node.js';
import { EXIT_UNDECIDED } from './output.js';
import { registerProve } from './prove.js';
import { registerSetup } from './setup.js';
import { registerWallet } from './wallet.js';
import { registerWorker } from './worker.js';

const program = new Command('tacit')
  .description('Private person-to-person payments on a ZK-rollup.')
  .version('0.1.0')
  .showHelpAfterError('(add --help for usage and examples)')
  .exitOverride((error) => {
    // Help and version end with 0; a wrong call cannot be decided, which is 2.
    process.exit(error.exitCode === 0 ? 0 : EXIT_UNDECIDED);
  });

registerWallet(program);
registerDev(program);
registerNode(program);
registerWorker(program);
registerAudit(program);
registerProve(program);
registerSetup(program);
registerDoctor(program);

await program.parseAsync();
