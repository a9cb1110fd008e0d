/**
 * Sums of proofs on a device: what is resident, what is refused, and that every failure of the device costs time only. The
 * device is one of the tests; the same on WebGPU itself: hostProof.test.ts.
 */
import { readFileSync } from 'node:fs';
import { bn254 } from '@noble/curves/bn254.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { TacitError } from '../../protocol/errors.js';
import { BASE_FIELD, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import type { SumPoint } from '../../prover/engine/groth16/helper.js';
import {
  type EngineProveOptions,
  insecureProveWithFixedBlinding,
  loadProvingKey,
  type ProveResult,
  type ProvingKey,
} from '../../prover/engine/prove.js';
import { type Gpu, watched } from '../../prover/engine/webgpu/device.js';
import { type GpuHelperOptions, gpuHelper } from '../../prover/engine/webgpu/helper.js';
import { verifyProof } from '../../prover/verify.js';
import { seeded } from '../engine/harness.js';
import { deviceOfTests, FACTS, type Faults, NobleSums } from './nobleSums.js';

const BLINDING = { r: 1234567890123456789n, s: 9876543210987654321n };
const BUILD_TIMEOUT_MS = 240_000;
const ON_GPU = { a: 'webgpu', b1: 'webgpu', b2: 'wasm', c: 'webgpu', h: 'webgpu' };
const ON_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };
/** A key's four sums are checked when they are uploaded; the proof's come after. */
const FIRST_OF_PROOF = 4;
const GENERATOR = { x: 1n, y: 2n };
const SEED = 20261129;
/** Three wires, all of them public: the key has no base of C. */
const SQUARE = {
  name: 'square',
  text: `pragma circom 2.1.0;
template Square() {
  signal input a;
  signal output b;
  b <== a * a;
}
component main { public [a] } = Square();
`,
  input: { a: '3' },
};

let circuit: ProverCircuit;
let alone: ProveResult;
const open: ProvingKey[] = [];

beforeAll(async () => {
  circuit = await buildProverCircuit(productChain(6, 3n));
  const key = await loadProvingKey(circuit.zkeyPath, { threads: 1 });
  alone = await prove(key);
  await key.close();
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  for (const key of open) await key.close();
});

function prove(key: ProvingKey, options: EngineProveOptions = {}, of = circuit): Promise<ProveResult> {
  return insecureProveWithFixedBlinding(key, of.wtnsPath, BLINDING, options);
}

interface Scene {
  readonly key: ProvingKey;
  readonly sums: NobleSums;
  readonly gpu: Gpu;
  readonly told: TacitError[];
  lose(): void;
}

async function scene(faults: Faults = {}, options: Partial<GpuHelperOptions> = {}, of = circuit): Promise<Scene> {
  const { device, lose } = deviceOfTests();
  const gpu = watched(device, FACTS);
  const sums = new NobleSums(faults);
  const told: TacitError[] = [];
  const helper = gpuHelper(gpu, { fewestBases: 1, createMsm: sums.create, onFailure: (failure) => told.push(failure), ...options });
  const key = await loadProvingKey(of.zkeyPath, { threads: 1, helper });
  open.push(key);
  return { key, sums, gpu, told, lose };
}

/** One failure, told once and counted; the proof as ever; nothing held; the next proof does not ask again. */
async function expectFinished({ key, sums, told }: Scene, code: string): Promise<void> {
  const first = await prove(key);
  expect(first.proof).toEqual(alone.proof);
  expect(first.helperFailures.map((failure) => failure.code)).toEqual([code]);
  expect(told.map((failure) => failure.code)).toEqual([code]);
  expect(sums.held).toBe(0);
  const asked = sums.sums;
  const second = await prove(key);
  expect(second.proof).toEqual(alone.proof);
  expect(second.sums).toEqual(ON_WASM);
  expect(second.helperFailures).toEqual([]);
  expect(sums.sums).toBe(asked);
}

describe('sums on a device', () => {
  it('are uploaded once, checked, and used by every proof', async () => {
    const { key, sums, told } = await scene();
    expect([sums.uploads, sums.held, sums.sums]).toEqual([4, 4, FIRST_OF_PROOF]);
    for (let i = 1; i <= 2; i++) {
      const { proof, sums: by, helperFailures } = await prove(key);
      expect(proof).toEqual(alone.proof);
      expect(by).toEqual(ON_GPU);
      expect(helperFailures).toEqual([]);
      expect([sums.uploads, sums.sums]).toEqual([4, FIRST_OF_PROOF * (i + 1)]);
    }
    expect(told).toEqual([]);
    await key.close();
    expect(sums.held).toBe(0);
  });

  it('while the device works on one, the threads do the sum in G2 and the transforms', async () => {
    const seen = new Set<string>();
    let proceed: () => void = () => undefined;
    const poolIsThrough = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    let firstAsked = false;
    // The first sum of the proof ends only when the threads have done all that is theirs: had they waited for it, nothing would ever end.
    const { key } = await scene({
      before: (sum) => {
        if (sum !== FIRST_OF_PROOF) return;
        firstAsked = [...seen].every((phase) => phase === 'witness');
        return poolIsThrough;
      },
    });
    const onProgress = ({ phase }: { phase: string }): void => {
      seen.add(phase);
      if (['b2', 'witness', 'constraints', 'transform', 'quotient'].every((own) => seen.has(own))) proceed();
    };
    const { proof, sums } = await prove(key, { onProgress });
    expect(proof).toEqual(alone.proof);
    expect(sums).toEqual(ON_GPU);
    expect(firstAsked).toBe(true);
  });

  it('sums of nothing are not asked for: a circuit whose wires are all public', async () => {
    const square = await buildProverCircuit(SQUARE);
    const unhelped = await loadProvingKey(square.zkeyPath, { threads: 1 });
    open.push(unhelped);
    const { key, sums, told } = await scene({}, {}, square);
    const made = await prove(key, {}, square);
    expect(made.proof).toEqual((await prove(unhelped, {}, square)).proof);
    expect(made.sums).toEqual({ ...ON_GPU, c: 'wasm' });
    expect([sums.uploads, told.length]).toEqual([3, 0]);
    verifyProof(JSON.parse(readFileSync(square.vkeyPath, 'utf8')), made.publicSignals, made.proof);
  });

  it('small ones stay with the pool', async () => {
    const { key, sums } = await scene({}, { fewestBases: 1_000_000 });
    expect(sums.uploads).toBe(0);
    expect((await prove(key)).sums).toEqual(ON_WASM);
  });

  it('a device that is lost between two proofs', async () => {
    const lost = await scene();
    lost.lose();
    await expectFinished(lost, 'WEBGPU_LOST');
  });

  it('a device that is lost in the middle of a proof', async () => {
    const lost: Scene = await scene({
      before: async (sum) => {
        if (sum < FIRST_OF_PROOF) return;
        lost.lose();
        await new Promise(() => undefined);
      },
    });
    await expectFinished(lost, 'WEBGPU_LOST');
  });

  it('a device without memory for the bases', async () => {
    const full = await scene({
      upload: (upload) => {
        if (upload === FIRST_OF_PROOF - 1) throw new TacitError('WEBGPU_LIMITS', 'out of memory', { retryable: true });
      },
    });
    await expectFinished(full, 'WEBGPU_LIMITS');
    expect(full.gpu.ended).toBeUndefined();
  });

  it('a device that fails in the middle of a proof, by whatever error', async () => {
    for (const error of [new TacitError('WEBGPU_FAILED', 'a refused buffer'), new RangeError('a bug')]) {
      const failing = await scene({
        before: (sum) => {
          if (sum === FIRST_OF_PROOF + 1) throw error;
        },
      });
      await expectFinished(failing, 'WEBGPU_FAILED');
    }
  });

  it('a device that does not answer is given up after the time limit', async () => {
    const stuck = await scene(
      {
        before: (sum) => (sum < FIRST_OF_PROOF ? undefined : new Promise(() => undefined)),
      },
      { timeLimitMs: 2_000 },
    );
    await expectFinished(stuck, 'WEBGPU_TIMEOUT');
    expect(stuck.gpu.ended?.code).toBe('WEBGPU_TIMEOUT');
  });

  it.each([
    [
      'a coordinate out of range',
      { x: GENERATOR.x + 21888242871839275222246405745257275088696311157297823662689037894645226208583n, y: 2n },
    ],
    ['another point of the curve', GENERATOR],
    ['infinity', undefined],
  ])('a wrong result, %s: as a sum of the proof', async (_, point) => {
    const wrong = await scene({ result: (sum, right) => (sum === FIRST_OF_PROOF + 2 ? point : right) });
    await expectFinished(wrong, 'WEBGPU_WRONG');
  });

  it('no wrong proof leaves, whichever of its sums are wrong and however', { timeout: BUILD_TIMEOUT_MS }, async () => {
    const next = seeded(SEED);
    const { Point } = bn254.G1;
    const changes: readonly ((right: SumPoint) => SumPoint)[] = [
      () => undefined,
      (right) => right && { x: right.x, y: BASE_FIELD.prime - right.y },
      (right) => right && Point.fromAffine(right).double().toAffine(),
      (right) => (right ? Point.fromAffine(right).add(Point.BASE).toAffine() : GENERATOR),
      () => Point.BASE.multiply(1n + next(SCALAR_FIELD.prime - 1n)).toAffine(),
    ];
    for (let round = 0; round < 15; round++) {
      const wrong = round < FIRST_OF_PROOF ? 1 << round : 1 + Number(next(15n));
      const change = changes[round % changes.length] as (typeof changes)[number];
      const caught = await scene({
        result: (sum, right) => (sum >= FIRST_OF_PROOF && (wrong >> (sum - FIRST_OF_PROOF)) & 1 ? change(right) : right),
      });
      await expectFinished(caught, 'WEBGPU_WRONG');
    }
  });

  it('a device whose bases are not those of the key is found when they are uploaded', async () => {
    const wrong = await scene({ result: (sum, right) => (sum === 2 ? GENERATOR : right) });
    expect(wrong.sums.sums).toBe(3);
    await expectFinished(wrong, 'WEBGPU_WRONG');
  });

  it('an aborted proof does not wait for a device that does not answer', async () => {
    const abort = new AbortController();
    let asked: () => void = () => undefined;
    const hangs = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const scened = await scene({
      before: (sum) => {
        if (sum !== FIRST_OF_PROOF) return;
        asked();
        return new Promise(() => undefined);
      },
    });
    const ended = prove(scened.key, { signal: abort.signal }).catch((reason: unknown) => reason);
    await hangs;
    abort.abort();
    expect(((await ended) as TacitError).code).toBe('PROVE_CANCELLED');
    expect([scened.told, scened.gpu.ended]).toEqual([[], undefined]);
    expect((await prove(scened.key)).sums).toEqual(ON_GPU);
  });

  it('an aborted proof is no failure of the device', async () => {
    const abort = new AbortController();
    const scened = await scene({
      before: (sum) => {
        if (sum === FIRST_OF_PROOF) abort.abort();
      },
    });
    const error = await prove(scened.key, { signal: abort.signal }).catch((reason: unknown) => reason);
    expect((error as TacitError).code).toBe('PROVE_CANCELLED');
    const next = await prove(scened.key);
    expect(next.proof).toEqual(alone.proof);
    expect(next.sums).toEqual(ON_GPU);
    expect(scened.told).toEqual([]);
  });
});
