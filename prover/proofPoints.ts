/**
 * The points of a proof that is to be given away without being verified, under a key from somewhere else.
 *
 * G2 of BN254 has a cofactor, 10,069 its smallest factor, and the points of a proving key are not checked one by one: some
 * twenty thousand scalar multiplications for the smallest circuit, or several more sums as long as the one that a proof
 * takes. A key with points outside the group would carry sums of the witness into B, modulo such a factor, where its maker could read
 * them. B is one point: if it lies in the group, nothing of that kind is in it.
 */
import { toG1, toG2 } from '../protocol/pairing.js';
import { proofFromSnarkjs, type SnarkjsProof } from '../protocol/proof.js';

/** @throws TacitError PROOF_SHAPE, PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP */
export function assertProofPoints(proof: SnarkjsProof): void {
  const { a, b, c } = proofFromSnarkjs(proof);
  toG1(a, 'A of the proof');
  toG2(b, 'B of the proof');
  toG1(c, 'C of the proof');
}
