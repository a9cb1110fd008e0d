/**
 * Being told instead of asking: who waits for a transfer is woken when the node's event stream names it.
 *
 * One stream for each node, open while anybody waits. An event is a hint and nothing more: what is true is asked for
 * afterwards. A stream that breaks, or that there is none of, only makes the waiter ask at a pace of its own.
 */
import type { Hex } from '../protocol/flavor.js';
import type { ClientEvent, GatewayClient } from '../queue/gatewayClient.js';

export interface NodeBell {
  /** Resolves when the node has named the transfer since the last wait ended, else after `quietMs`, or `toldMs` where the node tells its news. */
  wait(pauses: { readonly quietMs: number; readonly toldMs: number }): Promise<void>;
  close(): void;
}

/** To be called before the first look, so that nothing is told in between. */
export function openBell(node: GatewayClient, id: Hex): NodeBell {
  const listener = listeners.get(node) ?? new Listener(node);
  listeners.set(node, listener);
  return listener.open(id);
}

const listeners = new WeakMap<GatewayClient, Listener>();

interface Waiter {
  readonly id: Hex;
  rung: boolean;
  wake: () => void;
}

class Listener {
  readonly #node: GatewayClient;
  readonly #waiters = new Set<Waiter>();
  #stream: AbortController | undefined;
  /** Something has come over the present stream. */
  #tells = false;

  constructor(node: GatewayClient) {
    this.#node = node;
  }

  open(id: Hex): NodeBell {
    const waiter: Waiter = { id, rung: false, wake: () => {} };
    this.#waiters.add(waiter);
    if (this.#stream === undefined) this.#listen();
    return {
      wait: ({ quietMs, toldMs }) => this.#wait(waiter, this.#tells ? toldMs : quietMs),
      close: () => {
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#end();
      },
    };
  }

  async #wait(waiter: Waiter, pauseMs: number): Promise<void> {
    if (!waiter.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        waiter.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    waiter.rung = false;
  }

  #listen(): void {
    const stream = new AbortController();
    this.#stream = stream;
    const read = async (): Promise<void> => {
      for await (const event of this.#node.events(stream.signal)) if (this.#stream === stream) this.#ring(event);
    };
    // A node without a stream, or one that has enough readers: everybody asks.
    read().catch(() => {
      if (this.#stream === stream) this.#tells = false;
    });
  }

  #ring(event: ClientEvent): void {
    this.#tells = true;
    for (const waiter of this.#waiters) {
      if (!concerns(event, waiter.id)) continue;
      waiter.rung = true;
      waiter.wake();
    }
  }

  #end(): void {
    this.#stream?.abort();
    this.#stream = undefined;
    this.#tells = false;
  }
}

/** A settlement may end any transfer's wait, and after a gap anything may have happened. */
function concerns(event: ClientEvent, id: Hex): boolean {
  if (event.type === 'transfer') return event.transfer.id === id;
  if (event.type === 'confirmation') return event.confirmation.recordHash === id;
  return event.type === 'settlement' ? event.settlement.transfers.includes(id) : true;
}
