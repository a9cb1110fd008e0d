/**
 * Sums of proofs on a device: what is resident, what is refused, and that every failure of the device costs time only. The
 * device is one of the tests; the same on WebGPU itself: hostProof.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { TacitError } from '../../protocol/errors.js';
import { insecureProveWithFixedBlinding, loadProvingKey, type ProveResult, type ProvingKey } from '../../prover/engine/prove.js';
import { type Gpu, watched } from '../../prover/engine/webgpu/device.js';
import { type GpuHelperOptions, gpuHelper } from '../../prover/engine/webgpu/helper.js';
import { deviceOfTests, FACTS, type Faults, NobleSums } from './nobleSums.js';

const BLINDING = { r: 1234567890123456789n, s: 9876543210987654321n };
const BUILD_TIMEOUT_MS = 240_000;
const ON_GPU = { a: 'webgpu', b1: 'webgpu', b2: 'wasm', c: 'webgpu', h: 'webgpu' };
const ON_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };
/** A key's four sums are checked when they are uploaded; the proof's come after. */
const FIRST_OF_PROOF = 4;
const GENERATOR = { x: 1n, y: 2n };

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

function prove(key: ProvingKey, signal?: AbortSignal): Promise<ProveResult> {
  return insecureProveWithFixedBlinding(key, circuit.wtnsPath, BLINDING, signal ? { signal } : {});
}

interface Scene {
  readonly key: ProvingKey;
  readonly sums: NobleSums;
  readonly gpu: Gpu;
  readonly told: TacitError[];
  lose(): void;
}

async function scene(faults: Faults = {}, options: Partial<GpuHelperOptions> = {}): Promise<Scene> {
  const { device, lose } = deviceOfTests();
  const gpu = watched(device, FACTS);
  const sums = new NobleSums(faults);
  const told: TacitError[] = [];
  const helper = gpuHelper(gpu, { fewestBases: 1, createMsm: sums.create, onFailure: (failure) => told.push(failure), ...options });
  const key = await loadProvingKey(circuit.zkeyPath, { threads: 1, helper });
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

  it('a device whose bases are not those of the key is found when they are uploaded', async () => {
    const wrong = await scene({ result: (sum, right) => (sum === 2 ? GENERATOR : right) });
    expect(wrong.sums.sums).toBe(3);
    await expectFinished(wrong, 'WEBGPU_WRONG');
  });

  it('an aborted proof is no failure of the device', async () => {
    const abort = new AbortController();
    const scened = await scene({
      before: (sum) => {
        if (sum === FIRST_OF_PROOF) abort.abort();
      },
    });
    const error = await prove(scened.key, abort.signal).catch((reason: unknown) => reason);
    expect((error as TacitError).code).toBe('PROVE_CANCELLED');
    const next = await prove(scened.key);
    expect(next.proof).toEqual(alone.proof);
    expect(next.sums).toEqual(ON_GPU);
    expect(scened.told).toEqual([]);
  });
});
