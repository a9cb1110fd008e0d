/**
 * Where a process writes what it does: lines for people, or one JSON object a line for machines.
 *
 * Both go to standard error. A JSON line has `time` (milliseconds since the epoch), `level`, `part` (node or worker), `msg`,
 * and `payment` where it concerns one: the record's hash, the same in every process, so that one search finds a payment's
 * whole way. Secrets never reach this file: its callers do not have them.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type LogFormat = 'text' | 'json';

/** What is known of a line besides its text. */
export interface LogFields {
  /** Hash of the record that the line is about. */
  readonly payment?: string;
  readonly [name: string]: string | number | boolean | readonly string[] | undefined;
}

export interface ProcessLog {
  line(text: string): void;
  /** Something that happened, with its facts; `text` is what a person reads. */
  event(text: string, fields: LogFields): void;
}

/** @param part name of the process in every JSON line */
export function processLog(part: 'node' | 'worker', format: LogFormat, out: DestinationStream = standardError()): ProcessLog {
  if (format === 'text') return textLog(out);
  const logger: Logger = pino(
    { base: { part }, timestamp: stdTimeFunctions.epochTime, formatters: { level: (label) => ({ level: label }) } },
    out,
  );
  return {
    line: (text) => logger.info(text),
    event: (text, fields) => logger.info(fields, text),
  };
}

function textLog(out: DestinationStream): ProcessLog {
  return {
    line: (text) => void out.write(`${text}\n`),
    event: (text, { payment }) => void out.write(`${payment === undefined ? '' : `${payment.slice(0, SHORT_HASH)}… `}${text}\n`),
  };
}

/** `0x` and 8 digits: enough to tell payments of one log apart. */
const SHORT_HASH = 10;

function standardError(): DestinationStream {
  // Synchronous: what a process wrote before it was killed must be there.
  return destination({ fd: 2, sync: true });
}
