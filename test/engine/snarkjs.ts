/** snarkjs as the oracle of whole proofs, with blinding scalars of the caller's choice. */
import type { SnarkjsProof } from '../../prover/engine/prove.js';

export interface Proved {
  readonly proof: SnarkjsProof;
  readonly publicSignals: string[];
}

interface Curve {
  Fr: { random(): Uint8Array; e(value: bigint): Uint8Array };
  terminate(): Promise<void>;
}

interface Library {
  groth16: {
    prove(zkey: string, wtns: Uint8Array): Promise<Proved>;
    verify(vkey: unknown, publicSignals: string[], proof: SnarkjsProof): Promise<boolean>;
  };
  curves: { getCurveFromName(name: string): Promise<Curve> };
}

export class SnarkjsOracle {
  private constructor(
    private readonly library: Library,
    private readonly curve: Curve,
  ) {}

  static async create(): Promise<SnarkjsOracle> {
    // @ts-expect-error snarkjs has no types
    const library = (await import('snarkjs')) as Library;
    return new SnarkjsOracle(library, await library.curves.getCurveFromName('bn128'));
  }

  /** snarkjs draws r and s, in this order, from its one shared curve object: for one proof that function is replaced. */
  async prove(zkeyPath: string, wtns: Uint8Array, blinding: { readonly r: bigint; readonly s: bigint }): Promise<Proved> {
    const { Fr } = this.curve;
    const original = Fr.random;
    const values = [blinding.r, blinding.s];
    Fr.random = () => Fr.e(values.shift() as bigint);
    try {
      return await this.library.groth16.prove(zkeyPath, wtns);
    } finally {
      Fr.random = original;
    }
  }

  verify(vkey: unknown, { publicSignals, proof }: Proved): Promise<boolean> {
    return this.library.groth16.verify(vkey, publicSignals, proof);
  }

  /** Without it the process does not end. */
  close(): Promise<void> {
    return this.curve.terminate();
  }
}
