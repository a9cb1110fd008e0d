/**
 * Server-sent events: what the node tells the outside, with ids to resume from and heartbeats to keep proxies awake.
 *
 * Ids are `<run>-<number>`, where the run is drawn anew at every start. A client that comes back with Last-Event-ID gets
 * what it missed as long as it is still kept; where it is not, or is of an earlier run, it gets one event `reset`
 * instead, and must ask for the statuses it cares about. So a gap is always told and never guessed.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { TacitError } from '../protocol/errors.js';
import type { NodeEvent } from './service.js';

const EVENTS_KEPT = 2_048;
/** A reader that leaves so many bytes unread is cut off rather than buffered for. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const RECONNECT_MS = 1_000;

interface KeptEvent {
  number: number;
  text: string;
}

export class EventLog {
  readonly #run = randomBytes(4).toString('hex');
  readonly #kept: KeptEvent[] = [];
  readonly #readers = new Set<{ push(text: string): void; end(): void }>();
  #next = 1;

  get readers(): number {
    return this.#readers.size;
  }

  add(event: NodeEvent): void {
    const number = this.#next++;
    const text = `id: ${this.#run}-${number}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    this.#kept.push({ number, text });
    if (this.#kept.length > EVENTS_KEPT) this.#kept.shift();
    for (const reader of this.#readers) reader.push(text);
  }

  /** What a reader that last saw `lastId` has missed, or a reset; nothing for a new reader. */
  since(lastId: string | undefined): string {
    if (lastId === undefined || lastId === '') return '';
    const [run, digits] = lastId.split('-');
    const seen = Number(digits);
    const oldest = this.#kept[0]?.number ?? this.#next;
    if (run !== this.#run || !Number.isSafeInteger(seen) || seen + 1 < oldest || seen >= this.#next)
      return `id: ${this.#run}-${this.#next - 1}\nevent: reset\ndata: {}\n\n`;
    return this.#kept
      .filter(({ number }) => number > seen)
      .map(({ text }) => text)
      .join('');
  }

  attach(reader: { push(text: string): void; end(): void }): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  end(): void {
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }
}

export function streamEvents(app: FastifyInstance, log: EventLog, limits: { eventStreams: number; heartbeatMs: number }): void {
  const schema = {
    tags: ['node'],
    summary: 'Server-sent events: transfer, confirmation, settlement, reset',
    produces: ['text/event-stream'],
  };
  app.get('/v1/events', { schema }, async (request, reply) => {
    if (log.readers >= limits.eventStreams) throw new TacitError('NODE_BUSY', 'too many event streams are open', { retryable: true });
    const lastId = request.headers['last-event-id'];
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'x-accel-buffering': 'no',
    });
    // From here to attach() nothing yields, so no event falls between the past and the present.
    raw.write(`retry: ${RECONNECT_MS}\n\n${log.since(typeof lastId === 'string' ? lastId : undefined)}`);
    serve(raw, log, limits.heartbeatMs);
  });
}

function serve(raw: ServerResponse, log: EventLog, heartbeatMs: number): void {
  const push = (text: string): void => {
    raw.write(text);
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy();
  };
  const heartbeat = setInterval(() => push(': still here\n\n'), heartbeatMs);
  const detach = log.attach({ push, end: () => raw.end() });
  raw.on('close', () => {
    clearInterval(heartbeat);
    detach();
  });
}
