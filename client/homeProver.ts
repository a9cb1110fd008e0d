/**
 * Proving at home: the default, because then nobody else sees the transfer.
 *
 * Artifacts are found (and their hashes checked) once, the proving process is started once and keeps its key. The proof
 * is verified before it is handed out, against public inputs computed here.
 */
import { resolveProvingFiles } from '../circuits/artifacts.js';
import { bytesToHex } from '../protocol/bytes.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import { publicSignals as signalsOf } from '../protocol/fingerprint.js';
import { encodeProof, proofFromSnarkjs } from '../protocol/proof.js';
import type { Domain } from '../protocol/record.js';
import { checkTransferWitness, type TransferWitness, transferCircuitInput } from '../protocol/transfer.js';
import type { ProofFacts } from '../prover/observer.js';
import type { BackendName } from '../prover/prove.js';
import { ProvingHost } from '../prover/thread.js';
import { verifyProof } from '../prover/verify.js';
import type { HomeProof } from '../queue/service.js';

/** What proving needs; whoever supplies it has checked the hashes. */
export interface TransferArtifacts {
  readonly wasmPath: string;
  readonly zkeyPath: string;
  /** verification_key.json, parsed. */
  readonly vkey: unknown;
}

export interface HomeProverOptions {
  /** Where the artifacts come from. Default: this package's cache, built when missing. */
  readonly artifacts?: () => Promise<TransferArtifacts>;
  readonly threads?: number;
  /** Default: auto, a GPU where it was measured to be faster. */
  readonly backend?: BackendName;
  /** Told of each proof: where its sums were computed, and what a GPU failed at. Must not throw. */
  readonly onProved?: (facts: ProofFacts) => void;
}

export interface ProveAtHomeOptions {
  readonly signal?: AbortSignal;
  /** Fraction in [0, 1] of the proof in hand. */
  readonly onProgress?: (fraction: number) => void;
}

export class HomeProver {
  readonly #options: HomeProverOptions;
  readonly #host = new ProvingHost();
  #artifacts: Promise<TransferArtifacts> | undefined;

  constructor(options: HomeProverOptions = {}) {
    this.#options = options;
  }

  /**
   * One proof at a time; further calls wait their turn.
   * @throws TacitError TRANSFER_T1 … T9, ARTIFACT_MISSING, ARTIFACT_HASH, BACKEND_MISSING, PROVE_FAILED, PROVE_CANCELLED, PROOF_INVALID
   */
  async prove(witness: TransferWitness, domain: Domain, { signal, onProgress }: ProveAtHomeOptions = {}): Promise<HomeProof> {
    checkTransferWitness(witness, domain);
    const { wasmPath, zkeyPath, vkey } = await this.artifacts();
    const { input, publicInputs } = transferCircuitInput('transfer_1', [witness], witness.anchor, ZERO_ADDRESS, domain);
    const { threads, backend, onProved } = this.#options;
    const made = await this.#host.prove(
      zkeyPath,
      { kind: 'input', wasmPath, input },
      { signal, threads, backend, onProgress: onProgress && (({ fraction }) => onProgress(fraction)) },
    );
    const { proof, publicSignals, sums = {}, gpuFailures = [] } = made;
    onProved?.({ circuit: 'transfer_1', sums, gpuFailures });
    const expected = signalsOf(publicInputs).map(String);
    if (publicSignals.join() !== expected.join())
      throw new TacitError('PROOF_INVALID', 'the proof is about something else', { expected: 'h, z, y of this transfer' });
    verifyProof(vkey, publicSignals, proof);
    return {
      circuit: 'transfer_1',
      anchor: bytesToHex(fieldToBytes(witness.anchor)),
      prover: ZERO_ADDRESS,
      h: bytesToHex(fieldToBytes(publicInputs.h)),
      proof: bytesToHex(encodeProof(proofFromSnarkjs(proof))),
    };
  }

  /** Resolved at the first call; a failure is tried again at the next. */
  artifacts(): Promise<TransferArtifacts> {
    if (this.#artifacts === undefined) {
      this.#artifacts = (this.#options.artifacts ?? (() => resolveProvingFiles('transfer_1')))();
      this.#artifacts.catch(() => {
        this.#artifacts = undefined;
      });
    }
    return this.#artifacts;
  }

  /** Ends the proving process; a proof in hand fails. */
  close(): Promise<void> {
    return this.#host.close();
  }
}
