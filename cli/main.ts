/**
 * `tacit`: the command line. Each group of commands registers itself; this file only puts them together. A group is
 * loaded when it is asked for, because loading all of them costs a second; help loads all.
 */
import { Command } from 'commander';
import { EXIT_UNDECIDED } from './output.js';

type Register = (program: Command) => void;

/** In the order of the help text. A group's names are its commands. */
const GROUPS: readonly { readonly names: readonly string[]; readonly load: () => Promise<Register> }[] = [
  { names: ['wallet'], load: async () => (await import('./wallet.js')).registerWallet },
  { names: ['dev'], load: async () => (await import('./dev.js')).registerDev },
  { names: ['node'], load: async () => (await import('./node.js')).registerNode },
  { names: ['worker'], load: async () => (await import('./worker.js')).registerWorker },
  { names: ['farm'], load: async () => (await import('./farm.js')).registerFarm },
  { names: ['audit', 'export', 'verify-batch'], load: async () => (await import('./audit.js')).registerAudit },
  { names: ['prove', 'verify'], load: async () => (await import('./prove.js')).registerProve },
  { names: ['setup'], load: async () => (await import('./setup.js')).registerSetup },
  { names: ['doctor'], load: async () => (await import('./doctor.js')).registerDoctor },
];

const program = new Command('tacit')
  .description('Private person-to-person payments on a ZK-rollup.')
  .version('0.1.0')
  .showHelpAfterError('(add --help for usage and examples)')
  .exitOverride((error) => {
    // Help and version end with 0; a wrong call cannot be decided, which is 2.
    process.exit(error.exitCode === 0 ? 0 : EXIT_UNDECIDED);
  });

// Calibrating is something that a worker does before it serves, and is looked for among its options too.
const args = [...process.argv];
if (args[2] === 'worker' && args[3] === '--calibrate') args[3] = 'calibrate';

const asked = GROUPS.filter(({ names }) => names.includes(process.argv[2] ?? ''));
for (const { load } of asked.length > 0 ? asked : GROUPS) (await load())(program);
await program.parseAsync(args);
// Whatever a command had open it has closed; a client's timer of what is gone would hold the process for seconds more.
process.stdout.write('', () => process.exit());
