/** What the test page can do; runs in the page, which calls itself `tacit`. */
import { wideArithmeticAvailable } from '../../prover/engine/field/backends.js';
import type { BackendName } from '../../prover/engine/field/representation.js';
import { insecureProveWithFixedBlinding, loadProvingKey, type ProveResult, proveWithKey } from '../../prover/engine/prove.js';
import { checkKernels } from './checks.js';

export interface PageProof extends ProveResult {
  readonly backend: BackendName;
  readonly loadMs: number;
}

export interface PageRequest {
  readonly zkey: string;
  readonly wtns: string;
  readonly backend: 'auto' | BackendName;
  readonly threads: number;
  /** Makes the proof comparable; without it, fresh randomness. */
  readonly blinding?: readonly [r: string, s: string];
  /** Proofs on the one key; the last is returned. */
  readonly proofs?: number;
  /** Leaves the key open, to look at its threads. */
  readonly keepOpen?: boolean;
}

export interface PageApi {
  capabilities(): { isolated: boolean; sharedMemory: boolean; wide: boolean };
  checkKernels(backend: BackendName): Promise<number>;
  prove(request: PageRequest): Promise<PageProof>;
  /** Code of the error that loading a key for a backend ends with. */
  refusal(zkey: string, backend: BackendName): Promise<string>;
  closeAll(): Promise<void>;
  /** Total times of proofs on keys of both backends by turns, in the order of `backends`. */
  compare(zkey: string, wtns: string, threads: number, rounds: number): Promise<Record<BackendName, number[]>>;
}

const open: { close(): Promise<void> }[] = [];

const api: PageApi = {
  capabilities: () => ({
    isolated: crossOriginIsolated,
    sharedMemory: typeof SharedArrayBuffer !== 'undefined',
    wide: wideArithmeticAvailable(),
  }),
  checkKernels,
  prove: async ({ zkey, wtns, backend, threads, blinding, proofs = 1, keepOpen }) => {
    const start = performance.now();
    const key = await loadProvingKey(zkey, { threads, backend });
    const loadMs = performance.now() - start;
    open.push(key);
    const witness = new Uint8Array(await (await fetch(wtns)).arrayBuffer());
    let result: ProveResult | undefined;
    for (let i = 0; i < proofs; i++) {
      result = blinding
        ? await insecureProveWithFixedBlinding(key, witness, { r: BigInt(blinding[0]), s: BigInt(blinding[1]) })
        : await proveWithKey(key, witness);
    }
    if (!keepOpen) await key.close();
    return { ...(result as ProveResult), backend: key.backend, loadMs };
  },
  refusal: (zkey, backend) =>
    loadProvingKey(zkey, { backend }).then(
      () => 'none',
      (error: { code?: string }) => error.code ?? String(error),
    ),
  closeAll: async () => {
    for (const key of open.splice(0)) await key.close();
  },
  compare: async (zkey, wtns, threads, rounds) => {
    const witness = new Uint8Array(await (await fetch(wtns)).arrayBuffer());
    const times: Record<BackendName, number[]> = { portable: [], wide: [] };
    const keys = await Promise.all((['portable', 'wide'] as const).map((backend) => loadProvingKey(zkey, { threads, backend })));
    for (let round = 0; round <= rounds; round++) {
      for (const key of keys) {
        const { timesMs } = await proveWithKey(key, witness);
        if (round > 0) times[key.backend].push(timesMs.total as number);
      }
    }
    for (const key of keys) await key.close();
    return times;
  },
};

Object.assign(globalThis, { tacit: api });
