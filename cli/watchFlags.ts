/** Options of the commands that run for long: how they log, and where an operator can look at them. */
import type { Command } from 'commander';
import type { LogFormat } from '../operations/logger.js';
import type { WatchingOptions } from '../operations/watching.js';
import { TacitError } from '../protocol/errors.js';

export interface WatchFlags {
  readonly log: string;
  readonly opsPort?: string;
  readonly opsHost: string;
}

const MAX_PORT = 65_535;

export function withWatchFlags(command: Command): Command {
  return command
    .option('--log <format>', 'text, or json: one object a line', 'text')
    .option('--ops-port <port>', 'serve /metrics, /healthz, /readyz and /status to operators here, 0 for any port')
    .option('--ops-host <host>', 'where that server listens; it is not for the public', '127.0.0.1')
    .addHelpText(
      'after',
      '\nEnvironment: OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 sends traces; TACIT_BOARD_PASSWORD opens the queue’s board (node).',
    );
}

/** @throws TacitError USAGE */
export function logFormat({ log }: WatchFlags): LogFormat {
  if (log === 'text' || log === 'json') return log;
  throw new TacitError('USAGE', '--log is not a format', { expected: 'text or json', got: log });
}

/** @throws TacitError USAGE */
export function watchingOptions({ opsPort, opsHost }: WatchFlags): WatchingOptions {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl, TACIT_BOARD_PASSWORD: boardPassword } = process.env;
  return {
    host: opsHost,
    ...(opsPort === undefined ? {} : { port: portNumber('ops-port', opsPort) }),
    ...(collectorUrl ? { collectorUrl } : {}),
    ...(boardPassword ? { boardPassword } : {}),
  };
}

/** @throws TacitError USAGE */
export function portNumber(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= MAX_PORT) return Number(text);
  throw new TacitError('USAGE', `--${option} is not a port`, { expected: `0 to ${MAX_PORT}`, got: text });
}
