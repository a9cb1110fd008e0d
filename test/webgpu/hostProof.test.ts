/**
 * Whole proofs with the sums of G1 on WebGPU, on whatever adapter there is (SwiftShader where there is no other): snarkjs
 * accepts them, and when the device fails the proof is the engine's own and no buffer stays.
 *
 * The last one, of transfer(1), takes a software adapter a minute of both cores. TACIT_LONG=1 loses the device at more moments.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureProof } from '../../bench/proofWebgpu.js';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { benchCircuit } from '../../bench/proverInputs.js';
import { BETA } from '../../prover/engine/curve/endomorphism.js';
import {
  insecureProveWithFixedBlinding,
  loadProvingKey,
  type ProveResult,
  type ProvingKey,
  proveWithKey,
} from '../../prover/engine/prove.js';
import { isSoftware, LIMIT_NAMES } from '../../prover/engine/webgpu/adapter.js';
import { type Gpu, watched } from '../../prover/engine/webgpu/device.js';
import { ELEMENT_BYTES, toDevice } from '../../prover/engine/webgpu/field.js';
import { gpuHelper } from '../../prover/engine/webgpu/helper.js';
import { verifyProof } from '../../prover/verify.js';
import { SnarkjsOracle } from '../engine/snarkjs.js';
import { wordsOf } from './bench.js';
import { DeviceProbe, openAnyGpu } from './deviceProbe.js';
import { losableDevice } from './losable.js';

const BLINDING = { r: 1234567890123456789n, s: 9876543210987654321n };
const LONG = process.env.TACIT_LONG === '1';
const TIMEOUT_MS = 600_000;
const LONG_TIMEOUT_MS = 1_800_000;
/** Times at which a device is lost, spread over the upload of a key's bases, their check and a proof. */
const MOMENTS = LONG ? 40 : 6;
const ON_GPU = { a: 'webgpu', b1: 'webgpu', b2: 'wasm', c: 'webgpu', h: 'webgpu' };
const ON_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };

const gpu = await openAnyGpu();
if (gpu === undefined) {
  process.stderr.write('!! NOT COVERED: no WebGPU adapter was found, so no proof was made with one.\n');
  process.stderr.write('!! Needs npm webgpu and a Vulkan driver; Debian: apt-get install chromium brings SwiftShader.\n');
}

it('software adapters say so', () => {
  expect(isSoftware({ architecture: 'swiftshader', vendor: 'google' })).toBe(true);
  expect(isSoftware({ description: 'llvmpipe (LLVM 15.0.6, 256 bits)' })).toBe(true);
  expect(isSoftware({ device: 'lavapipe' })).toBe(true);
  expect(isSoftware({ description: 'Microsoft Basic Render Driver' })).toBe(true);
  expect(isSoftware({ vendor: 'microsoft', description: 'D3D12 WARP' })).toBe(true);
  expect(isSoftware({ isFallbackAdapter: true })).toBe(true);
  expect(isSoftware({ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' })).toBe(false);
  expect(isSoftware({ vendor: 'apple', architecture: 'metal-3' })).toBe(false);
  expect(isSoftware({})).toBe(false);
});

if (gpu) describe('proofs with WebGPU', () => proofs(gpu));
else it.skip('proofs with WebGPU: there is no adapter here');

function proofs(gpu: Gpu): void {
  const { device, facts } = gpu;
  const probe = new DeviceProbe(gpu);
  let oracle: SnarkjsOracle;
  let circuit: ProverCircuit;
  let alone: ProveResult;
  let key: ProvingKey;

  /** A key for this device. */
  const keyFor = async (): Promise<ProvingKey> =>
    loadProvingKey(circuit.zkeyPath, { threads: 1, helper: gpuHelper(gpu, { fewestBases: 1 }) });
  const prove = (on: ProvingKey): Promise<ProveResult> => insecureProveWithFixedBlinding(on, circuit.wtnsPath, BLINDING);

  /** Labels of buffers that stand now and did not then; the scratch, which keys share, may have gone with a failure. */
  const since = (before: ReadonlySet<GPUBuffer>): string[] => [...probe.alive].filter((one) => !before.has(one)).map(({ label }) => label);

  const expectFinished = async (on: ProvingKey, codes: readonly string[], before: ReadonlySet<GPUBuffer>): Promise<void> => {
    const result = await prove(on);
    expect(result.proof).toEqual(alone.proof);
    expect(result.sums).not.toEqual(ON_GPU);
    expect(codes).toContain(result.helperFailures[0]?.code);
    expect(result.helperFailures).toHaveLength(1);
    expect((await prove(on)).sums).toEqual(ON_WASM);
    expect(since(before)).toEqual([]);
    await on.close();
  };

  beforeAll(async () => {
    oracle = await SnarkjsOracle.create();
    circuit = await buildProverCircuit(productChain(40, 3n));
    const engine = await loadProvingKey(circuit.zkeyPath, { threads: 1 });
    alone = await prove(engine);
    await engine.close();
    key = await keyFor();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await key?.close();
    await oracle?.close();
    gpu.close();
  });

  it(`on ${facts.name}: the engine's proof, accepted by snarkjs, with the bases uploaded once`, { timeout: TIMEOUT_MS }, async () => {
    const first = await prove(key);
    expect(first.helperFailures).toEqual([]);
    expect(first.sums).toEqual(ON_GPU);
    expect(first.proof).toEqual(alone.proof);
    const resident = probe.alive.size;
    const fresh = await proveWithKey(key, circuit.wtnsPath);
    expect(fresh.sums).toEqual(ON_GPU);
    expect(await oracle.verify(JSON.parse(readFileSync(circuit.vkeyPath, 'utf8')), fresh)).toBe(true);
    expect(probe.alive.size).toBe(resident);
  });

  it('the device has all that its adapter offers', () => {
    for (const name of LIMIT_NAMES) expect(device.limits[name], name).toBe(facts.limits[name]);
  });

  it('the bench of whole proofs has both checked, and gives no ratio for a software adapter', { timeout: TIMEOUT_MS }, async () => {
    const row = await measureProof(gpu, circuit, 1, 1);
    expect(row).toMatchObject({ runs: 1, threads: 1, sums: ON_GPU });
    expect(Object.keys(row.gpuPhasesMs)).toEqual(
      expect.arrayContaining(['a webgpu', 'b1 webgpu', 'b2', 'c webgpu', 'h webgpu', 'transform']),
    );
    expect(Object.keys(row.wasmPhasesMs)).toEqual(expect.arrayContaining(['a', 'b1', 'b2', 'h', 'transform']));
    expect(row.timesFaster === null).toBe(facts.software);
  });

  it('two keys that prove at the same time share the device', { timeout: TIMEOUT_MS }, async () => {
    const before = new Set(probe.alive);
    const other = await keyFor();
    for (const result of await Promise.all([prove(key), prove(other)])) {
      expect([result.helperFailures, result.sums]).toEqual([[], ON_GPU]);
      expect(result.proof).toEqual(alone.proof);
    }
    await other.close();
    expect(since(before)).toEqual([]);
  });

  it('a device that is lost while bases are uploaded, checked, or summed up for a proof', { timeout: TIMEOUT_MS }, async () => {
    const before = new Set(probe.alive);
    const run = async (loseAt?: number): Promise<{ made: ProveResult; calls: number }> => {
      const lossy = losableDevice(device, loseAt);
      const maker = gpuHelper(watched(lossy.device, facts), { fewestBases: 1 });
      const on = await loadProvingKey(circuit.zkeyPath, { threads: 1, helper: maker });
      const made = await prove(on);
      expect(made.proof, `lost at ${loseAt}`).toEqual(alone.proof);
      const next = made.helperFailures.length > 0 ? await prove(on) : undefined;
      await on.close();
      expect(since(before), `lost at ${loseAt}`).toEqual([]);
      if (next) expect([next.sums, next.helperFailures]).toEqual([ON_WASM, []]);
      return { made, calls: lossy.calls };
    };
    const { made, calls } = await run();
    expect(made.sums).toEqual(ON_GPU);
    for (let moment = 1; moment <= MOMENTS; moment++) {
      const { made: finished } = await run(Math.ceil((calls * moment) / (MOMENTS + 1)));
      expect(finished.helperFailures.map(({ code }) => code)).toEqual(['WEBGPU_LOST']);
      expect(finished.sums).not.toEqual(ON_GPU);
    }
  });

  it('an answer with a wrong bit is found, and costs nothing but time', { timeout: TIMEOUT_MS }, async () => {
    const before = new Set(probe.alive);
    const other = await keyFor();
    probe.corrupts = true;
    await expectFinished(other, ['WEBGPU_WRONG', 'WEBGPU_FAILED'], before);
    probe.corrupts = false;
  });

  it('bases that change after their check, to other points of the curve: the finished proof is found out', {
    timeout: TIMEOUT_MS,
  }, async () => {
    // The scratch that both keys share stands before and after.
    await prove(key);
    const before = new Set(probe.alive);
    const other = await keyFor();
    for (const buffer of probe.alive) {
      if (before.has(buffer) || !buffer.label.startsWith('base ')) continue;
      // The generator (1, 2) in place of every base, and its image in place of every image.
      const whole = Array.from({ length: buffer.size / ELEMENT_BYTES }, (_, i) => {
        if (buffer.label === 'base ys') return 2n;
        return i < buffer.size / ELEMENT_BYTES / 2 ? 1n : BETA.g1;
      });
      device.queue.writeBuffer(buffer, 0, wordsOf(whole.map(toDevice)) as Uint32Array<ArrayBuffer>);
    }
    await expectFinished(other, ['WEBGPU_WRONG'], before);
  });

  it('bases that a device refuses stay with the engine', { timeout: TIMEOUT_MS }, async () => {
    const before = new Set(probe.alive);
    probe.refuses = true;
    const other = await keyFor();
    await expectFinished(other, ['WEBGPU_LIMITS', 'WEBGPU_FAILED'], before);
    probe.refuses = false;
  });

  it('a refused buffer in the middle of a proof', { timeout: TIMEOUT_MS }, async () => {
    const before = new Set(probe.alive);
    const other = await keyFor();
    probe.refuses = true;
    const result = await prove(other);
    probe.refuses = false;
    // Where everything was reserved with the bases, nothing is asked for and nothing can be refused.
    expect(result.proof).toEqual(alone.proof);
    await other.close();
    expect(since(before)).toEqual([]);
  });

  it('a device that is destroyed in the middle of a proof', { timeout: TIMEOUT_MS }, async () => {
    const submit = device.queue.submit.bind(device.queue);
    let submitted = 0;
    device.queue.submit = (buffers) => {
      submit(buffers);
      if (++submitted === 2) device.destroy();
    };
    const result = await prove(key);
    expect(result.proof).toEqual(alone.proof);
    expect(result.sums).toEqual(ON_WASM);
    expect(result.helperFailures.map(({ code }) => code)).toEqual(['WEBGPU_LOST']);
    expect((await prove(key)).sums).toEqual(ON_WASM);
    expect(probe.alive.size).toBe(0);
  });

  it('transfer(1) with every sum of G1 on WebGPU is accepted by snarkjs and by our verifier', { timeout: LONG_TIMEOUT_MS }, async () => {
    const other = (await openAnyGpu()) as Gpu;
    const circuit = await benchCircuit('transfer_1');
    const key = await loadProvingKey(circuit.zkeyPath, { helper: gpuHelper(other, { fewestBases: 1 }) });
    const made = await proveWithKey(key, circuit.wtnsPath);
    expect(made.helperFailures).toEqual([]);
    expect(made.sums).toEqual(ON_GPU);
    const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
    verifyProof(vkey, made.publicSignals, made.proof);
    expect(await oracle.verify(vkey, made)).toBe(true);
    await key.close();
    other.close();
  });
}
