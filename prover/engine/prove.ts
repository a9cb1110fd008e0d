/**
 * The engine's port: load a proving key once, prove with it many times.
 *
 * A key's memory serves one proof at a time; calls on one key queue up behind one another. The blinding scalars come
 * from the platform's generator; the one function that takes them from its caller says so in its name.
 */
import { TacitError } from '../../protocol/errors.js';
import { chooseBackend } from './field/backends.js';
import { PACKED_BYTES, SCALAR_FIELD } from './field/parameters.js';
import type { BackendName } from './field/representation.js';
import { expandedReader } from './groth16/compactReader.js';
import { readInteger } from './groth16/container.js';
import type { Equation } from './groth16/equation.js';
import type { HelperMaker, KeyHelper } from './groth16/helper.js';
import { basesForHelper } from './groth16/helperBases.js';
import { type LoadedKey, loadKey } from './groth16/key.js';
import { BASE_NAMES, type BaseName } from './groth16/layout.js';
import { type Blinding, type ProofPoints, runProof } from './groth16/run.js';
import { openReader } from './groth16/source.js';
import { readWitness } from './groth16/wtns.js';
import { openZkey } from './groth16/zkey.js';
import { platform } from './platform/choose.js';
import { MOST_THREADS } from './sizes.js';

export interface EngineProveOptions {
  signal?: AbortSignal;
  /** Called after each step of the work, with the share of the steps known so far: it falls where more of them become known. */
  onProgress?: (progress: { phase: string; fraction: number }) => void;
  /** At most as many as the key was loaded with; what is no number of 1 or more counts as that. */
  threads?: number;
  /** The field backend that the proof must run on; a key is loaded for one. */
  backend?: 'auto' | BackendName;
  /** False: without the key's helper, if it has one. */
  helped?: boolean;
}

/** A proof in snarkjs' JSON shape. */
export interface SnarkjsProof {
  pi_a: string[];
  pi_b: string[][];
  pi_c: string[];
  protocol: 'groth16';
  curve: 'bn128';
}

export interface ProveResult {
  proof: SnarkjsProof;
  publicSignals: string[];
  /** Working time of each phase summed over threads, and `total`, the time that passed. */
  timesMs: Record<string, number>;
  /** Who computed each of the five sums: 'wasm', or the name of a helper's backend. */
  sums: Record<BaseName, string>;
  /** What went wrong with the helper since the last proof of this key; this proof was finished without it. */
  helperFailures: TacitError[];
}

/** A parsed zkey with its bases kept ready for repeated proofs. */
export interface ProvingKey {
  readonly nVars: number;
  readonly nPublic: number;
  readonly domainSize: number;
  /** The field backend the key was loaded for. */
  readonly backend: BackendName;
  /** False once it was closed or one of its threads broke: it makes no proof any more, and has to be loaded again. */
  readonly usable: boolean;
  /** Ends its threads and frees its memory. A proof in hand, and those that wait, reject with PROVE_FAILED. */
  close(): Promise<void>;
}

const FIELD_BYTES = 32;
/** How the pool's own sums are named. */
const POOL = 'wasm';
/** Bytes of randomness for a scalar: 2^512 is so much larger than r that the remainder is uniform. */
const RANDOM_BYTES = 64;

class EngineKey implements ProvingKey {
  private tail: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    readonly loaded: LoadedKey,
    readonly helper: KeyHelper | undefined,
    readonly equation: Equation | undefined,
  ) {}

  get nVars(): number {
    return this.loaded.zkey.variables;
  }

  get nPublic(): number {
    return this.loaded.zkey.publicInputs;
  }

  get domainSize(): number {
    return this.loaded.zkey.domainSize;
  }

  get backend(): BackendName {
    return this.loaded.instance.info.representation.backend;
  }

  get usable(): boolean {
    return this.loaded.pool.usable;
  }

  /** Where the kernels want a witness' integers. */
  get witnessPlace(): Uint8Array {
    const { instance, layout, zkey } = this.loaded;
    return instance.bytes.subarray(layout.witnessPacked, layout.witnessPacked + PACKED_BYTES * zkey.variables);
  }

  /** Runs `work` after everything that was asked for before it. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(() => {
      if (this.closed) throw new TacitError('PROVE_FAILED', 'the proving key is closed');
      return work();
    });
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.loaded.pool.close();
    await this.helper?.close();
  }
}

/**
 * Reads, checks and prepares a proving key.
 * @param source a path (in a page: an address) or the bytes of a .zkey or of its compact form
 * @param options.backend 'auto' takes wide arithmetic where the runtime has it
 * @param options.helper is given the key's bases, and then some of each proof's sums
 * @throws TacitError ARTIFACT_MISSING, ZKEY_FORMAT, BACKEND_MISSING, PROVE_FAILED (too large, or not enough memory)
 */
export async function loadProvingKey(
  source: string | Uint8Array,
  options: { threads?: number; backend?: 'auto' | BackendName; helper?: HelperMaker | undefined } = {},
): Promise<ProvingKey> {
  const backend = chooseBackend(options.backend ?? 'auto');
  // What is no number counts as one thread.
  const threads = Math.min(MOST_THREADS, Math.max(1, Math.floor(options.threads ?? (await platform()).availableThreads()) || 1));
  const reader = await openReader(source, 'proving key');
  try {
    const zkey = openZkey(await expandedReader(reader, threads));
    // Pairings are for proofs that somebody helped with.
    const equation = options.helper && new (await import('./groth16/equation.js')).Equation(zkey);
    const loaded = await loadKey(zkey, threads, backend);
    return new EngineKey(loaded, options.helper && (await helperOf(loaded, options.helper)), equation);
  } finally {
    reader.close();
  }
}

async function helperOf(loaded: LoadedKey, make: HelperMaker): Promise<KeyHelper | undefined> {
  try {
    return await make(basesForHelper(loaded));
  } catch (error) {
    await loaded.pool.close();
    throw error;
  }
}

function randomScalar(): bigint {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value % SCALAR_FIELD.prime;
}

/**
 * Proves with fresh randomness.
 * @param witness a path or the bytes of a .wtns
 * @throws TacitError ARTIFACT_MISSING, WTNS_FORMAT, WITNESS_MISMATCH, PROVE_CANCELLED, PROVE_FAILED, BACKEND_MISSING
 */
export function proveWithKey(key: ProvingKey, witness: string | Uint8Array, options: EngineProveOptions = {}): Promise<ProveResult> {
  return proveWith(key, witness, options, { r: randomScalar(), s: randomScalar() });
}

/**
 * For tests only: a proof with chosen blinding scalars is not zero-knowledge.
 * @throws as `proveWithKey`
 */
export function insecureProveWithFixedBlinding(
  key: ProvingKey,
  witness: string | Uint8Array,
  blinding: Blinding,
  options: EngineProveOptions = {},
): Promise<ProveResult> {
  return proveWith(key, witness, options, blinding);
}

function cancelled(signal: AbortSignal): TacitError {
  return new TacitError('PROVE_CANCELLED', 'proving was cancelled', { cause: signal.reason, retryable: true });
}

async function proveWith(
  key: ProvingKey,
  witness: string | Uint8Array,
  options: EngineProveOptions,
  blinding: Blinding,
): Promise<ProveResult> {
  if (!(key instanceof EngineKey)) throw new TacitError('PROVE_FAILED', 'not a proving key of this engine');
  const wanted = options.backend ?? 'auto';
  if (wanted !== 'auto' && wanted !== key.backend) {
    throw new TacitError('BACKEND_MISSING', 'the proving key was loaded for another backend', { expected: key.backend, got: wanted });
  }
  return key.inTurn(async () => {
    const { signal } = options;
    if (signal?.aborted) throw cancelled(signal);
    const start = performance.now();
    const reader = await openReader(witness, 'witness');
    let values: Uint8Array;
    try {
      values = readWitness(reader, key.nVars, key.witnessPlace);
    } finally {
      reader.close();
    }
    const timesMs: Record<string, number> = { read: performance.now() - start };
    const publics = Array.from({ length: key.nPublic }, (_, i) => readInteger(values, FIELD_BYTES * (i + 1)));
    const sums = Object.fromEntries(BASE_NAMES.map((name) => [name, POOL])) as Record<BaseName, string>;
    const run = (helper: KeyHelper | undefined): Promise<ProofPoints> =>
      cancellable(key, signal, () => runOnKey(key, values, blinding, options, { timesMs, sums, helper }));
    const { helper } = key;
    const points = helper && options.helped !== false ? await checkedRun(key, run, helper, publics, sums) : await run(undefined);
    timesMs.total = performance.now() - start;
    return {
      proof: toSnarkjs(points),
      publicSignals: publics.map(String),
      timesMs,
      sums,
      helperFailures: helper?.takeFailures() ?? [],
    };
  });
}

/**
 * A proof that a helper took part in is held against the key's equation. If it fails there, it is made again without the
 * helper and with the same blinding: nothing of the first one has been told to anybody. A witness that does not satisfy
 * the circuit gives the same points twice, and then the helper was right.
 */
async function checkedRun(
  key: EngineKey,
  run: (helper: KeyHelper | undefined) => Promise<ProofPoints>,
  helper: KeyHelper,
  publics: readonly bigint[],
  sums: Record<BaseName, string>,
): Promise<ProofPoints> {
  const points = await run(helper);
  const helped = BASE_NAMES.some((name) => sums[name] !== POOL);
  if (!helped || (await key.equation?.holds(points, publics))) return points;
  const again = await run(undefined);
  if (String([again.a, again.c]) === String([points.a, points.c])) return points;
  helper.distrust();
  for (const name of BASE_NAMES) sums[name] = POOL;
  return again;
}

interface Run {
  readonly timesMs: Record<string, number>;
  readonly sums: Record<BaseName, string>;
  readonly helper: KeyHelper | undefined;
}

function runOnKey(
  key: EngineKey,
  values: Uint8Array,
  blinding: Blinding,
  options: EngineProveOptions,
  { timesMs, sums, helper }: Run,
): Promise<ProofPoints> {
  const { pool } = key.loaded;
  const asked = Math.floor(options.threads ?? pool.threads);
  const threads = asked >= 1 ? Math.min(pool.threads, asked) : pool.threads;
  pool.limit(threads);
  return runProof(key.loaded, values, blinding, {
    threads,
    helper,
    signal: options.signal,
    onHelped: (name) => {
      sums[name] = helper?.backend ?? POOL;
    },
    assertWanted: () => {
      if (options.signal?.aborted) throw cancelled(options.signal);
    },
    onStep: (phase, elapsedMs, done, all) => {
      timesMs[phase] = (timesMs[phase] ?? 0) + elapsedMs;
      options.onProgress?.({ phase, fraction: done / all });
    },
  });
}

/** On abort, drops what has not begun and waits for the rest, so that the key is free for the next proof. */
async function cancellable<T>(key: EngineKey, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (!signal) return work();
  const { pool } = key.loaded;
  let idle: Promise<void> | undefined;
  const abort = (): void => {
    idle = pool.cancel(cancelled(signal));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const result = await work();
    if (signal.aborted) throw cancelled(signal);
    return result;
  } finally {
    signal.removeEventListener('abort', abort);
    await idle;
  }
}

function toSnarkjs({ a, b, c }: ProofPoints): SnarkjsProof {
  const g1 = (point: bigint[] | undefined): string[] => (point ? [`${point[0]}`, `${point[1]}`, '1'] : ['0', '1', '0']);
  const g2 = (p: bigint[] | undefined): string[][] =>
    p
      ? [
          [`${p[0]}`, `${p[1]}`],
          [`${p[2]}`, `${p[3]}`],
          ['1', '0'],
        ]
      : [
          ['0', '0'],
          ['1', '0'],
          ['0', '0'],
        ];
  return { pi_a: g1(a), pi_b: g2(b), pi_c: g1(c), protocol: 'groth16', curve: 'bn128' };
}
