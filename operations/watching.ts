/** What a command may be asked to do besides its work, and what it then has to end. */
export interface WatchingOptions {
  /** Port of the operator's server, 0 for any free one; none where absent. */
  readonly port?: number;
  readonly host: string;
  /** The board is offered only where there is one. */
  readonly boardPassword?: string;
  /** Collector of traces (OTLP over HTTP); none where absent. */
  readonly collectorUrl?: string;
}

export interface Watching {
  /** Of the operator's server, where there is one. */
  readonly url?: string;
  close(): Promise<void>;
}

/** The latest first, each after the one before. */
export async function closeInTurn(stops: (() => unknown)[]): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
}
