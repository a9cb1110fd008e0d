/** What a scenario and the node that it runs in a child process tell each other. */
import type { NodePolicy } from '../../aggregator/config.js';
import type { NodeStats } from '../../aggregator/node.js';
import type { AssetInfo } from '../../queue/service.js';

/** Passage `passage` (the first is 1) of a fault point `port.method:before|after` ends the process. */
export interface DeathPoint {
  readonly point: string;
  readonly passage: number;
}

/** `NodeConfig` as it survives JSON. */
export interface NodeChildConfig {
  readonly domain: { readonly chainId: string; readonly contract: string };
  readonly deploymentBlock: number;
  readonly rpcUrl: string;
  readonly redisUrl: string;
  readonly journalDir: string;
  readonly settlerKey: string;
  readonly successor?: boolean;
  readonly assets: readonly AssetInfo[];
  readonly port: number;
  readonly policy: Partial<Omit<NodePolicy, 'fees'>>;
  /** Counted from the start of the process. */
  readonly death?: DeathPoint;
}

export type ChildRequest =
  | { readonly kind: 'start'; readonly config: NodeChildConfig }
  /** Counts from now on. */
  | { readonly kind: 'arm'; readonly death?: DeathPoint }
  /** `collect`: garbage is collected first, so that memory is what is reachable. */
  | { readonly kind: 'look'; readonly collect: boolean }
  /** What the node has used since it was last asked. */
  | { readonly kind: 'meter' }
  | { readonly kind: 'stop' };

export interface Look {
  readonly stats: NodeStats | undefined;
  /** How often each fault point was passed since the start or the last `arm`. */
  readonly passages: Readonly<Record<string, number>>;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** Since the last such question, or the start. */
export interface Meter {
  /** Of a processor, in the program and in the kernel. */
  readonly cpuMs: number;
  /** By how much turns of the event loop came late. */
  readonly loopDelayP99Ms: number;
}

export type ChildReply =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'armed' }
  | ({ readonly kind: 'looked' } & Look)
  | ({ readonly kind: 'metered' } & Meter);
