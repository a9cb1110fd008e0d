/**
 * What every command prints and how it ends: data on standard output (text, or one JSON value with --json), the rest
 * on standard error, exit code 0 done or valid, 1 failed or invalid, 2 cannot decide.
 */
import type { Command } from 'commander';
import { isTacitError, TacitError } from '../protocol/errors.js';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_UNDECIDED = 2;

/** Data a command returns: `value` for --json, `text` for people, exit code 0 unless given. */
export interface CommandResult {
  readonly value: unknown;
  readonly text: string;
  readonly exitCode?: 0 | 1 | 2;
}

/** Adds --json to the command and runs the action with its options; errors end in `reportError`. */
export function runs<Options>(command: Command, action: (options: Options, args: string[]) => Promise<CommandResult>): Command {
  return command.option('--json', 'print one JSON value on standard output').action(async () => {
    // What the command above knows by the same name, that one takes: `tacit audit confirmation … --json`.
    const options = command.optsWithGlobals<Options & { json?: boolean }>();
    const json = options.json === true;
    try {
      const result = await action(options, command.args);
      process.stdout.write(`${json ? toJson(result.value) : result.text}\n`);
      process.exitCode = result.exitCode ?? EXIT_OK;
    } catch (error) {
      reportError(error, json);
    }
  });
}

/** A line for people on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints the error (JSON on standard output with --json; its stack with TACIT_DEBUG=1) and sets exit code 1, or 2 where retrying may help. */
export function reportError(error: unknown, json: boolean): void {
  const known = isTacitError(error)
    ? error
    : new TacitError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
  if (json) process.stdout.write(`${toJson({ error: known })}\n`);
  say(`tacit: ${known.message} [${known.code}]`);
  if (known.docs !== undefined) say(`       see docs/${known.docs}`);
  if (process.env.TACIT_DEBUG === '1' && error instanceof Error) say(String(error.stack));
  process.exitCode = known.retryable ? EXIT_UNDECIDED : EXIT_FAILED;
}

/** JSON with bigints as decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v));
}
