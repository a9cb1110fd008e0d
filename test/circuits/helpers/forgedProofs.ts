/**
 * What a forged witness file is worth: it is proven with the circuit's key, as any prover would, and the proof verified.
 * A few in every run; all of them with TACIT_LONG=1.
 */
import type { VerifiedArtifacts } from '../../../circuits/artifacts.js';
import { isTacitError } from '../../../protocol/errors.js';
import { Prover } from '../../../prover/prove.js';
import { verifyProof } from '../../../prover/verify.js';

export const LONG = process.env.TACIT_LONG === '1';

export class ForgedProofs {
  readonly #prover = new Prover();
  constructor(readonly artifacts: VerifiedArtifacts) {}

  /**
   * `verified`, or the code of the refusal.
   * @param publicInputs what the reader holds against the proof; the witness's own when left out
   */
  async verdict(wtns: Uint8Array, publicInputs?: readonly bigint[]): Promise<string> {
    const { proof, publicSignals } = await this.#prover.prove(this.artifacts.zkeyPath, wtns);
    try {
      verifyProof(this.artifacts.vkey, publicInputs?.map(String) ?? publicSignals, proof);
      return 'verified';
    } catch (error) {
      if (isTacitError(error)) return error.code;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#prover.close();
  }
}
