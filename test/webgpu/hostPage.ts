/** Proofs with WebGPU in a page, for hostBrowser.test.ts; calls itself `tacitGpu`. */
import { insecureProveWithFixedBlinding, loadProvingKey, type SnarkjsProof } from '../../prover/engine/prove.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import { openGpu } from '../../prover/engine/webgpu/device.js';
import { gpuHelper } from '../../prover/engine/webgpu/helper.js';

export interface GpuPageProof {
  readonly adapter: AdapterFacts;
  readonly proof: SnarkjsProof;
  readonly publicSignals: string[];
  readonly sums: Readonly<Record<string, string>>;
  readonly failures: string[];
  /** Of a second proof, after the device was destroyed. */
  readonly without: { readonly proof: SnarkjsProof; readonly sums: Readonly<Record<string, string>>; readonly failures: string[] };
}

export interface GpuPageApi {
  prove(zkey: string, wtns: string, blinding: readonly [r: string, s: string]): Promise<GpuPageProof>;
}

const api: GpuPageApi = {
  prove: async (zkey, wtns, blinding) => {
    const gpu = await openGpu();
    if (!gpu) throw new Error('no adapter');
    const key = await loadProvingKey(zkey, { threads: 2, helper: gpuHelper(gpu, { fewestBases: 1 }) });
    const witness = new Uint8Array(await (await fetch(wtns)).arrayBuffer());
    const [r, s] = blinding.map(BigInt) as [bigint, bigint];
    const first = await insecureProveWithFixedBlinding(key, witness, { r, s });
    gpu.device.destroy();
    const second = await insecureProveWithFixedBlinding(key, witness, { r, s });
    await key.close();
    const codes = (failures: readonly { code: string }[]): string[] => failures.map(({ code }) => code);
    return {
      adapter: gpu.facts,
      proof: first.proof,
      publicSignals: first.publicSignals,
      sums: first.sums,
      failures: codes(first.helperFailures),
      without: { proof: second.proof, sums: second.sums, failures: codes(second.helperFailures) },
    };
  },
};

Object.assign(globalThis, { tacitGpu: api });
