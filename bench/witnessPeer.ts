/**
 * A process that computes one circuit's witness on request, so that each calculator's first witness and memory are its own.
 *
 * Started with (kind, program, circom's calculator); every message is the input, and is answered with the time and the
 * SHA-256 of the witness file. Reading and compiling the program belongs to the first witness.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { WitnessInput } from '../circuits/witness.js';

/** One answer of a calculator. */
export interface WitnessReply {
  readonly ms: number;
  /** Processor time of all threads. */
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
  readonly sha256: string;
}

type Calculate = (input: WitnessInput) => Promise<Uint8Array>;

/** What the file that circom writes beside a program exports. */
type CircomBuilder = (program: Uint8Array) => Promise<{ calculateWTNSBin(input: WitnessInput, sanityCheck: number): Promise<Uint8Array> }>;

async function calculator(kind: string, program: string, circomCalculator: string): Promise<Calculate> {
  if (kind === 'circom') {
    const build = createRequire(import.meta.url)(circomCalculator) as CircomBuilder;
    // One instance for all witnesses, as its users do.
    let ready: ReturnType<CircomBuilder> | undefined;
    return async (input) => {
      ready ??= readFile(program).then(build);
      return (await ready).calculateWTNSBin(input, 0);
    };
  }
  const { calculateWitness } = await import('../circuits/witness.js');
  return (input) => calculateWitness(program, input);
}

async function serve(): Promise<void> {
  const [kind, program, circomCalculator] = process.argv.slice(2) as [string, string, string];
  const calculate = await calculator(kind, program, circomCalculator);
  process.on('message', async (input: WitnessInput) => {
    const before = process.cpuUsage();
    const start = performance.now();
    const witness = await calculate(input);
    const ms = performance.now() - start;
    const used = process.cpuUsage(before);
    process.send?.({
      ms,
      cpuMs: (used.user + used.system) / 1000,
      peakMemoryMb: process.resourceUsage().maxRSS / 1024,
      sha256: createHash('sha256').update(witness).digest('hex'),
    } satisfies WitnessReply);
  });
}

await serve();
