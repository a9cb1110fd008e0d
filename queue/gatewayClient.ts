/**
 * A node's gateway, typed, on `fetch` alone: runs in Node and in a browser.
 *
 * Every failure comes out as a TacitError: the node's own code where it answered, NODE_UNREACHABLE (retryable) where it
 * did not, NODE_ANSWER where what came is not its protocol. What a node says is not trusted here or made trustworthy:
 * the wallet checks roster, confirmations and roots against the chain.
 */
import { TacitError } from '../protocol/errors.js';
import { checkAnswer } from './answers.js';
import { pause } from './pause.js';
import type {
  EpochMs,
  FeeQuote,
  HealthReport,
  LeafPage,
  NodeEvent,
  NodeInfo,
  SignedRoster,
  Submission,
  TransferId,
  TransferStatus,
} from './service.js';
import { readEventStream } from './sse.js';

export interface GatewayClientOptions {
  timeoutMs?: number;
  /** Replaces the platform's fetch. */
  fetch?: typeof fetch;
}

/** `reset`: events were missed; ask for the statuses that matter. */
export type ClientEvent = NodeEvent | { type: 'reset' };

const DEFAULT_TIMEOUT_MS = 10_000;
const RECONNECT_FIRST_MS = 250;
const RECONNECT_MAX_MS = 10_000;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{2,63}$/;
const MESSAGE_CHARACTERS = 500;

export class GatewayClient {
  readonly #base: string;
  readonly #timeoutMs: number;
  readonly #fetch: typeof fetch;

  /** @throws TacitError NODE_URL */
  constructor(baseUrl: string, { timeoutMs = DEFAULT_TIMEOUT_MS, fetch: given }: GatewayClientOptions = {}) {
    if (!/^https?:\/\/[^/]/.test(baseUrl))
      throw new TacitError('NODE_URL', 'not the URL of a node', { expected: 'http://… or https://…', got: baseUrl });
    this.#base = baseUrl.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
    this.#fetch = given ?? ((input, init) => globalThis.fetch(input, init));
  }

  async info(): Promise<NodeInfo> {
    return checkAnswer('info', await this.#json('/v1/info'));
  }

  async roster(): Promise<SignedRoster> {
    return checkAnswer('roster', await this.#json('/v1/roster'));
  }

  async quote(asset: number): Promise<FeeQuote> {
    return checkAnswer('quote', await this.#json(`/v1/quote?asset=${asset}`));
  }

  async leafPage(page: number): Promise<LeafPage | undefined> {
    const answer = await this.#json(`/v1/leaves/${page}`).catch(orUndefined('LEAF_PAGE_UNKNOWN'));
    return answer === undefined ? undefined : checkAnswer('leaf page', answer);
  }

  /** Undefined where the node knows no such transfer. */
  async status(id: TransferId): Promise<TransferStatus | undefined> {
    const answer = await this.#json(`/v1/transfers/${id}`).catch(orUndefined('TRANSFER_UNKNOWN'));
    return answer === undefined ? undefined : checkAnswer('status', answer);
  }

  /** Safe to repeat after any failure. @throws TacitError SUBMISSION_CONFLICT, NODE_BUSY (retryable), … */
  async submit(submission: Submission): Promise<TransferStatus> {
    const answer = await this.#json('/v1/transfers', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(submission),
    });
    return checkAnswer('status', answer);
  }

  /** A report is an answer even where the node is unwell. */
  async health(): Promise<HealthReport> {
    const response = await this.#request('/v1/health', {}, true);
    const body = await parseBody(response);
    if (typeof body !== 'object' || body === null || !('checks' in body) || typeof body.checks !== 'object')
      throw errorFrom(response.status, body);
    return body as HealthReport;
  }

  /**
   * Events until `signal` is aborted, across reconnections, which resume where the stream broke.
   * @param sinceId of the last event seen earlier, to resume
   */
  async *events(signal: AbortSignal, sinceId?: string): AsyncGenerator<ClientEvent, void, void> {
    let lastId = sinceId;
    let pauseMs = RECONNECT_FIRST_MS;
    while (!signal.aborted) {
      try {
        const headers: Record<string, string> = {
          accept: 'text/event-stream',
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        };
        const response = await this.#fetch(`${this.#base}/v1/events`, { headers, signal });
        if (!response.ok || response.body === null) throw errorFrom(response.status, await parseBody(response));
        for await (const message of readEventStream(response.body)) {
          pauseMs = RECONNECT_FIRST_MS;
          if (message.id !== undefined) lastId = message.id;
          if (message.event === 'reset') yield { type: 'reset' };
          else yield JSON.parse(message.data) as NodeEvent;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof TacitError && !error.retryable) throw error;
      }
      await pause(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, RECONNECT_MAX_MS);
    }
  }

  /**
   * Asks for one transfer until `until` is satisfied. For many transfers at once, follow `events`.
   * @throws TacitError TRANSFER_UNKNOWN, WAIT_TIMEOUT (retryable)
   */
  async waitFor(
    id: TransferId,
    until: (status: TransferStatus) => boolean,
    { deadline, signal }: { deadline: EpochMs; signal?: AbortSignal },
  ): Promise<TransferStatus> {
    for (;;) {
      const status = await this.status(id);
      if (status === undefined) throw new TacitError('TRANSFER_UNKNOWN', 'this node knows no such transfer', { got: id });
      if (until(status)) return status;
      if (Date.now() >= deadline || signal?.aborted)
        throw new TacitError('WAIT_TIMEOUT', 'the transfer has not come so far yet', { got: status.status, retryable: true });
      await pause(RECONNECT_FIRST_MS, signal);
    }
  }

  async #json(path: string, init: RequestInit = {}): Promise<unknown> {
    return parseBody(await this.#request(path, init, false));
  }

  async #request(path: string, init: RequestInit, anyStatus: boolean): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(`${this.#base}${path}`, { ...init, signal: AbortSignal.timeout(this.#timeoutMs) });
    } catch (cause) {
      throw new TacitError('NODE_UNREACHABLE', `cannot reach the node at ${this.#base}`, { retryable: true, cause });
    }
    if (response.ok || anyStatus) return response;
    throw errorFrom(response.status, await parseBody(response));
  }
}

export async function parseBody(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw new TacitError('NODE_UNREACHABLE', 'the node broke off its answer', { retryable: true, cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    if (response.ok)
      throw new TacitError('NODE_ANSWER', 'the answer is not JSON: is this a node?', {
        expected: 'JSON',
        got: `${text.length} characters of something else`,
      });
    return undefined;
  }
}

/** The node's own error where it sent one; else what the status says. */
export function errorFrom(status: number, body: unknown): TacitError {
  const { code, message, expected, got, retryable } = ((body as { error?: Record<string, unknown> } | undefined)?.error ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof code !== 'string' || !ERROR_CODE.test(code) || typeof message !== 'string' || message === '')
    return new TacitError('NODE_ANSWER', `the node answered with status ${status}`, { retryable: status >= 500 || status === 429 });
  return new TacitError(code, printable(withoutDetails(message)), {
    ...(typeof expected === 'string' ? { expected: printable(expected) } : {}),
    ...(typeof got === 'string' ? { got: printable(got) } : {}),
    retryable: retryable === true,
  });
}

/** A stranger's words, fit for a terminal and a log: no control characters, and not for ever. */
function printable(text: string): string {
  return text.slice(0, MESSAGE_CHARACTERS).replace(/\p{C}/gu, '·');
}

/** A TacitError writes its details behind the message; they are put there again. */
function withoutDetails(message: string): string {
  return message.replace(/: (expected|got) .*$/s, '');
}

function orUndefined(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof TacitError && error.code === code) return undefined;
    throw error;
  };
}
