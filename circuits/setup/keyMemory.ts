/**
 * The memory and threads in which one development key is computed: the prover engine's kernels over one layout.
 *
 * constants │ constraints │ Lagrange bases │ sums │ scalars │ points │ tables │ a work area for each thread. Every array is
 * written by one stage and read by later ones; nothing is reused, and pages that are never touched cost nothing.
 */
import { availableParallelism } from 'node:os';
import { compiledKernels } from '../../prover/engine/compiled.js';
import { chooseBackend } from '../../prover/engine/field/backends.js';
import { PACKED_BYTES } from '../../prover/engine/field/parameters.js';
import { buildTable, type Multiples, multiplesCalls, multiplesWorkBytes, tableBytes } from '../../prover/engine/fixedBase.js';
import { createInstance, createMemory, type Instance, kernel } from '../../prover/engine/instance.js';
import type { CurveName, KernelInfo } from '../../prover/engine/kernels.js';
import { createPool, type Pool } from '../../prover/engine/pool/pool.js';
import { settleAll } from '../../prover/engine/pool/settleAll.js';
import type { KernelCall, Task } from '../../prover/engine/pool/task.js';
import { COEFFICIENT_BYTES, MATRICES, setupScratchBytes } from '../../prover/engine/setup/kernels.js';
import { FILE_POINT_BYTES } from '../../prover/engine/sizes.js';
import { readUint256, writeUint256 } from '../binfile.js';

/** Counts of a circuit that decide how much memory its key takes. */
export interface KeyShape {
  readonly wires: number;
  readonly publicInputs: number;
  readonly constraints: number;
  readonly domainSize: number;
  /** Bytes of all rows: the constraints and one identity row for each public wire. */
  readonly rowsBytes: number;
  /** Terms of A and B in all rows. */
  readonly coefficients: number;
}

/** The lists of points of a proving key; `ic` belongs to its verifying key. */
export type PointList = 'a' | 'b1' | 'b2' | 'ic' | 'k' | 'h';
export type ScalarList = 'a' | 'b' | 'ic' | 'k' | 'h';

interface Places {
  readonly constants: number;
  readonly rows: number;
  readonly lagrange: number;
  readonly odd: number;
  /** Room beside each of the two Lagrange bases. */
  readonly differences: readonly [number, number];
  /** Sums of the three matrices, once for each thread. */
  readonly sums: readonly number[];
  readonly coefficients: number;
  readonly scalars: Readonly<Record<ScalarList, number>>;
  readonly points: Readonly<Record<PointList, number>>;
  readonly tables: Readonly<Record<CurveName, number>>;
  readonly pieces: readonly number[];
  /** Where the calling thread puts a few values in and out: integers, then points. */
  readonly corner: number;
  /** Work area of the calling thread. */
  readonly work: number;
  readonly lanes: readonly number[];
  readonly sizeBytes: number;
}

/** More threads would mostly wait for memory. */
const MAX_THREADS = 8;
const ALIGNMENT_BYTES = 64;
/** Field elements that kernels are given by address. */
const CONSTANT_SLOTS = 32;
/** Points that the calling thread may multiply at once. */
const CORNER_POINTS = 8;
/** Pieces that a stage is cut into for each thread. */
const PIECES_PER_THREAD = 2;
/** Stages whose pieces may be under way at once. */
const STAGES_AT_ONCE = 2;
/** Lists of points that each thread may have under way: the next one waits when one is done. */
const LANES_PER_THREAD = 2;
/** The coefficient section opens with a count. */
export const COUNT_BYTES = 4;

function plan(info: KernelInfo, shape: KeyShape, threads: number): Places {
  let next = info.heapAt;
  const { elementBytes } = info.representation;
  const take = (bytes: number): number => {
    const at = Math.ceil(next / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    next = at + bytes;
    return at;
  };
  const { wires, domainSize } = shape;
  const publicWires = shape.publicInputs + 1;
  const elements = (count: number): number => take(count * elementBytes);
  const scalars = (count: number): number => take(count * PACKED_BYTES);
  const points = (curve: CurveName, count: number): number => take(count * FILE_POINT_BYTES[curve]);
  const work = Math.max(multiplesWorkBytes(info, 'g1'), multiplesWorkBytes(info, 'g2'));
  const places = {
    constants: elements(CONSTANT_SLOTS),
    corner: take(CORNER_POINTS * (PACKED_BYTES + FILE_POINT_BYTES.g2)),
    pieces: Array.from({ length: STAGES_AT_ONCE * PIECES_PER_THREAD * threads }, () =>
      // A piece's first element, then what its kernel needs.
      take(elementBytes + setupScratchBytes(elementBytes)),
    ),
    rows: take(shape.rowsBytes),
    lagrange: elements(domainSize),
    odd: elements(domainSize),
    differences: [elements(domainSize), elements(domainSize)] as const,
    sums: Array.from({ length: threads }, () => elements(MATRICES * wires)),
    coefficients: take(COUNT_BYTES + shape.coefficients * COEFFICIENT_BYTES),
    scalars: { a: scalars(wires), b: scalars(wires), ic: scalars(publicWires), k: scalars(wires - publicWires), h: scalars(domainSize) },
    points: {
      a: points('g1', wires),
      b1: points('g1', wires),
      b2: points('g2', wires),
      ic: points('g1', publicWires),
      k: points('g1', wires - publicWires),
      h: points('g1', domainSize),
    },
    tables: { g1: take(tableBytes(info, 'g1')), g2: take(tableBytes(info, 'g2')) },
    work: take(work),
    lanes: Array.from({ length: LANES_PER_THREAD * threads }, () => take(work)),
  };
  return { ...places, sizeBytes: next };
}

export class KeyMemory {
  #constants = 0;
  readonly #view: DataView;

  private constructor(
    readonly shape: KeyShape,
    readonly places: Places,
    readonly threads: number,
    private readonly instance: Instance,
    private readonly pool: Pool,
  ) {
    this.#view = new DataView(instance.memory.buffer);
  }

  /** @param threads default one a core */
  static async create(shape: KeyShape, threads: number = Math.min(availableParallelism(), MAX_THREADS)): Promise<KeyMemory> {
    const compiled = await compiledKernels(chooseBackend('auto'));
    const places = plan(compiled.info, shape, threads);
    const instance = await createInstance(createMemory(places.sizeBytes), 0, compiled);
    // Tasks bring their own room, so a thread's work area is not used.
    const pool = await createPool(
      instance,
      Array.from({ length: threads }, () => places.work),
    );
    return new KeyMemory(shape, places, threads, instance, pool);
  }

  /** Bytes of a field element in this memory. */
  get elementBytes(): number {
    return this.instance.info.representation.elementBytes;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.pool.close();
  }

  /** Runs tasks on all threads; higher priorities first. */
  async run(tasks: readonly Task[], priority = 0): Promise<void> {
    await settleAll(tasks.map((task) => this.pool.submit(task, priority)));
  }

  /** Computes lists of multiples on all threads; each lane takes the next list when it has done one. */
  async multiplyAll(lists: readonly Multiples[], onDone: (list: Multiples) => void): Promise<void> {
    const waiting = lists[Symbol.iterator]();
    const work = async (lane: number): Promise<void> => {
      for (const list of waiting) {
        await this.pool.submit({ type: 'calls', calls: multiplesCalls(this.instance.info, list, lane) }, 0);
        onDone(list);
      }
    };
    await settleAll(this.places.lanes.map(work));
  }

  /** Runs one kernel here and now. */
  call(name: string, ...args: number[]): void {
    kernel(this.instance, name)(...args);
  }

  /** The bytes of an array of the key. They stay valid while the memory lives. */
  bytes(at: number, length: number): Uint8Array {
    return this.instance.bytes.subarray(at, at + length);
  }

  /** Puts field elements, in Montgomery form, behind one another into the memory. */
  constants(...values: bigint[]): number {
    const at = this.places.constants + this.#constants * this.elementBytes;
    this.#constants += values.length;
    if (this.#constants > CONSTANT_SLOTS) throw new RangeError(`more than ${CONSTANT_SLOTS} constants`);
    values.forEach((value, i) => {
      this.element(at + i * this.elementBytes, value);
    });
    return at;
  }

  /** Writes one field element in Montgomery form. */
  element(at: number, value: bigint): void {
    this.#integers([value]);
    this.call('r_unpackMany', at, this.places.corner, 1, this.instance.info.enterScalarAt);
  }

  #integers(values: readonly bigint[]): void {
    values.forEach((value, i) => {
      writeUint256(this.#view, this.places.corner + i * PACKED_BYTES, value);
    });
  }

  /** Gives an element one Montgomery factor more: a product with it then leaves plain integers in Montgomery form. */
  enterAgain(at: number): void {
    this.call('r_mul', at, at, this.instance.info.enterScalarAt);
  }

  /** Builds the table of multiples of a point, on the calling thread. @param base in the form of zkey files */
  buildTable(curve: CurveName, base: Uint8Array): void {
    buildTable(this.instance, curve, base, this.places.tables[curve], this.places.work);
  }

  /** A few multiples of the table's point, in the form of zkey files. */
  multiples(curve: CurveName, scalars: readonly bigint[]): Uint8Array {
    const { corner, tables, work } = this.places;
    const output = corner + CORNER_POINTS * PACKED_BYTES;
    this.#integers(scalars);
    const multiples = { curve, table: tables[curve], scalars: corner, count: scalars.length, output };
    for (const [name, ...args] of multiplesCalls(this.instance.info, multiples, work)) this.call(name, ...args);
    return this.bytes(output, scalars.length * FILE_POINT_BYTES[curve]).slice();
  }

  /** The coordinates of points from their form in zkey files. */
  coordinates(points: Uint8Array): bigint[] {
    const { corner, work } = this.places;
    const element = work;
    return Array.from({ length: points.length / PACKED_BYTES }, (_, i) => {
      this.bytes(corner, PACKED_BYTES).set(points.subarray(i * PACKED_BYTES, (i + 1) * PACKED_BYTES));
      this.call('q_unpackMany', element, corner, 1, this.instance.info.enterBaseFromFileAt);
      this.call('q_packMany', corner, element, 1);
      return readUint256(this.#view, corner);
    });
  }

  /** Cuts `count` items into pieces; each has a scratch of its own among those of its stage. */
  pieces(count: number, stage: 0 | 1, make: (from: number, count: number, piece: number) => KernelCall[]): Task[] {
    const parts = PIECES_PER_THREAD * this.threads;
    return Array.from({ length: parts }, (_, i) => {
      const from = Math.floor((count * i) / parts);
      const calls = make(from, Math.floor((count * (i + 1)) / parts) - from, this.places.pieces[stage * parts + i] as number);
      return { type: 'calls', calls } as const;
    });
  }
}
