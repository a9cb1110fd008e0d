/**
 * The bucket loops of one window: they only write work lists of additions and hand full lists to `batchAdd`.
 *
 *   round: neighbours within a bucket are added in pairs; a pair that is its bucket's last leaves its sum in the bucket's
 *     own place, other sums follow one another in `target` for the next round, and an odd one out is copied along.
 *   join: the buckets of the second half, which the endomorphism has been applied to, are added to those of the first.
 *   running sums: S ← S + B_v, T ← T + S for v downwards in segments of the buckets, all segments side by side.
 *
 * Invariants: operands of a list never overlap its results, so a list may be run at any time; sums of one step of the
 * running sums are needed by the next one, so a step ends with an empty list.
 */

import type { Curve } from '../curve/points.js';
import { ACTIVE_BYTES, ENTRY_BYTES, LIST_CAPACITY, POINTER_BYTES } from '../sizes.js';
import { call, type FunctionBuilder, type FunctionRef, I32, i32, i64, type Local, type Operand, read, select } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

export interface BucketKernels {
  /** (order, target, active, remaining, buckets, list, scratch) → buckets left; the points are given by tagged addresses. */
  readonly firstRound: FunctionRef;
  /** As `firstRound`, for points that follow one another in memory. */
  readonly laterRound: FunctionRef;
  /** (buckets, others, n, list, scratch): n times bucket ← bucket + other. */
  readonly joinHalves: FunctionRef;
  /** (buckets, length, segments, sums, otherSums, totals, list, scratch) → where S stands at the end, one of the two; T stands in `totals`. */
  readonly runningSums: FunctionRef;
}

/** A work list under construction: runs when it is full, and when asked to. */
class WorkList {
  private readonly entry: Local;
  private readonly free: Local;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly batchAdd: FunctionRef,
    private readonly list: Local,
    private readonly scratch: Local,
  ) {
    this.entry = f.let(I32, list);
    this.free = f.let(I32, i32.const(LIST_CAPACITY));
  }

  add(first: Operand, second: Operand, result: Operand): void {
    const { f, entry, free } = this;
    f.do(i32.store(entry, first, 0), i32.store(entry, second, 4), i32.store(entry, result, 8));
    f.increase(entry, ENTRY_BYTES);
    f.increase(free, -1);
    f.if(i32.eqz(free), () => this.run());
  }

  run(): void {
    const { f, entry, free, list, scratch } = this;
    f.do(call(this.batchAdd, list, i32.sub(i32.const(LIST_CAPACITY), free), scratch));
    f.set(entry, list);
    f.set(free, i32.const(LIST_CAPACITY));
  }
}

function defineRound(module: ModuleBuilder, curve: Curve, batchAdd: FunctionRef, first: boolean): FunctionRef {
  const name = `${curve.name}_${first ? 'firstRound' : 'laterRound'}`;
  const size = i32.const(curve.affineBytes);
  return module.func(name, [I32, I32, I32, I32, I32, I32, I32], [I32], (f) => {
    const [read, target, active, remaining, buckets] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
    const list = new WorkList(f, batchAdd, f.param(5), f.param(6));
    const [from, kept] = [f.let(I32, active), f.let(I32, active)];
    const [bucket, count, pairs, home, left, result] = f.locals(I32, 6) as [Local, Local, Local, Local, Local, Local];
    const next = (): Operand => (first ? i32.load(read) : read);
    const advance = (): void => f.increase(read, first ? POINTER_BYTES : size);
    /** The bucket's own place if its points end here, else the next free place for the next round. */
    const place = (mostPoints: number): Local => {
      const settled = f.let(I32, i32.leU(count, i32.const(mostPoints)));
      f.set(result, select(home, target, settled));
      f.increase(target, select(i32.const(0), size, settled));
      return result;
    };
    f.while(
      () => remaining,
      () => {
        f.set(bucket, i32.load(from));
        f.set(count, i32.load(from, 4));
        f.set(home, i32.add(buckets, i32.mul(bucket, size)));
        f.set(pairs, i32.shrU(count, i32.const(1)));
        f.while(
          () => pairs,
          () => {
            f.set(left, next());
            advance();
            list.add(left, next(), place(2));
            advance();
            f.increase(pairs, -1);
          },
        );
        f.if(i32.and(count, i32.const(1)), () => {
          f.do(call(curve.copy, place(1), next()));
          advance();
        });
        f.if(i32.gtU(count, i32.const(2)), () => {
          f.do(i32.store(kept, bucket), i32.store(kept, i32.shrU(i32.add(count, i32.const(1)), i32.const(1)), 4));
          f.increase(kept, ACTIVE_BYTES);
        });
        f.increase(from, ACTIVE_BYTES);
        f.increase(remaining, -1);
      },
    );
    list.run();
    f.do(i32.shrU(i32.sub(kept, active), i32.const(Math.log2(ACTIVE_BYTES))));
  });
}

function defineJoinHalves(module: ModuleBuilder, curve: Curve, batchAdd: FunctionRef): FunctionRef {
  return module.func(`${curve.name}_joinHalves`, [I32, I32, I32, I32, I32], [], (f) => {
    const [bucket, other, n] = [f.param(0), f.param(1), f.param(2)];
    const list = new WorkList(f, batchAdd, f.param(3), f.param(4));
    f.while(
      () => n,
      () => {
        list.add(bucket, other, bucket);
        f.increase(bucket, curve.affineBytes);
        f.increase(other, curve.affineBytes);
        f.increase(n, -1);
      },
    );
    list.run();
  });
}

function defineRunningSums(module: ModuleBuilder, curve: Curve, batchAdd: FunctionRef): FunctionRef {
  const size = i32.const(curve.affineBytes);
  return module.func(`${curve.name}_runningSums`, [I32, I32, I32, I32, I32, I32, I32, I32], [I32], (f) => {
    const [buckets, length, segments, sums, others, totals] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const list = new WorkList(f, batchAdd, f.param(6), f.param(7));
    const [sum, other, total, bucket, end, swap] = f.locals(I32, 6) as [Local, Local, Local, Local, Local, Local];
    const stride = f.let(I32, i32.mul(length, size));
    /** Visits all segments; `bucket` is the current one of each. */
    const eachSegment = (body: () => void): void => {
      f.set(sum, sums);
      f.set(other, others);
      f.set(total, totals);
      f.set(bucket, i32.add(buckets, i32.mul(length, size)));
      f.set(end, i32.add(sums, i32.mul(segments, size)));
      f.while(
        () => i32.ltU(sum, end),
        () => {
          body();
          for (const pointer of [sum, other, total]) f.increase(pointer, size);
          f.increase(bucket, stride);
        },
      );
    };
    f.increase(length, -1);
    eachSegment(() => {
      f.do(call(curve.copy, sum, bucket));
      for (let offset = 0; offset < curve.affineBytes; offset += 8) f.do(i64.store(total, i64.const(0), offset));
    });
    f.while(
      () => length,
      () => {
        f.increase(length, -1);
        eachSegment(() => {
          list.add(total, sum, total);
          list.add(sum, bucket, other);
        });
        list.run();
        f.set(swap, sums);
        f.set(sums, others);
        f.set(others, swap);
      },
    );
    eachSegment(() => list.add(total, sum, total));
    list.run();
    f.do(read(sums));
  });
}

export function defineBucketKernels(module: ModuleBuilder, curve: Curve, batchAdd: FunctionRef): BucketKernels {
  return {
    firstRound: defineRound(module, curve, batchAdd, true),
    laterRound: defineRound(module, curve, batchAdd, false),
    joinHalves: defineJoinHalves(module, curve, batchAdd),
    runningSums: defineRunningSums(module, curve, batchAdd),
  };
}
