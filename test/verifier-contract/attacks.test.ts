/**
 * A7, A11, A12 on chain: what is signed or bound cannot be altered, and a fold holds only when every proof in it does.
 * The proofs are synthetic but satisfy the real equations; the attacker here even knows the circuits' secrets where a
 * test says so.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { TacitError } from '../../protocol/errors.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { publicInputsOf, transferList } from '../../protocol/fingerprint.js';
import { foldCoefficients, verifyFold } from '../../protocol/fold.js';
import { BASE_FIELD_MODULUS, encodeProof, type G1, type Groth16Proof } from '../../protocol/proof.js';
import { encodeSettlement, type Settlement } from '../../protocol/settlement.js';
import { deployRollup } from '../../verifier-contract/deploy.js';
import { settlementStatements } from '../../verifier-contract/statements.js';
import { g1, inverse, mod } from './syntheticKeys.js';
import { codeOf, NO_PROOF, type Planned, World } from './world.js';

let world: World;
let honest: Planned;
beforeAll(async () => {
  world = await World.start();
  const fee = 1_000_000n;
  honest = world.plan({
    transfers: [
      { records: [world.record({ fee, outAsset: 0, outValue: 0n })], prover: world.address(6) },
      { records: [world.record({ fee, feeAsset: 2 })] },
      { records: [world.record()] },
    ],
  });
});
afterAll(() => world?.stop());

const refusal = (bytes: Uint8Array): Promise<string> => codeOf(world.rollup.estimateSettle(bytes, world.address(0)));
const encoded = (change: (settlement: Settlement) => Settlement): Promise<string> => refusal(encodeSettlement(change(honest.settlement)));
const withTransfer =
  (i: number, change: (entry: Settlement['transfers'][number]) => Partial<Settlement['transfers'][number]>) =>
  (settlement: Settlement): Settlement => ({
    ...settlement,
    transfers: settlement.transfers.map((entry, k) => (k === i ? { ...entry, ...change(entry) } : entry)),
  });
const withProof = (i: number, change: (proof: Groth16Proof) => Groth16Proof): Promise<string> =>
  encoded(withTransfer(i, ({ proof }) => ({ proof: change(proof) })));
/** The fold as an auditor checks it, off chain. */
function offChain(settlement: Settlement): string {
  const slots = settlement.transfers.flatMap(({ records }) => records);
  const { items } = settlementStatements(settlement, slots, {
    domain: world.domain,
    noteRoot: world.state.noteRoot,
    nullifierRoot: world.state.nullifierRoot,
    leafCount: world.state.leafCount,
  });
  try {
    verifyFold(world.keys.table, items);
    return 'no error';
  } catch (error) {
    return error instanceof TacitError ? error.code : String(error);
  }
}
const multiply = (point: G1, scalar: bigint): G1 => {
  const { x, y } = bn254.G1.Point.fromAffine(point).multiply(mod(scalar)).toAffine();
  return { x, y };
};

describe('the honest twin', () => {
  it('A7, A11, A12 honest: passes on chain and off', async () => {
    expect(await refusal(honest.bytes)).toBe('no error');
    expect(offChain(honest.settlement)).toBe('no error');
  });
});

describe('A7: every bound field altered, one at a time', () => {
  it('refuses another recipient, fee, ciphertext, one-time key, nullifier, commitment, withdrawal', async () => {
    const changes = {
      nf1: { nf1: 5n },
      nf2: { nf2: 5n },
      cm1: { cm1: 5n },
      cm2: { cm2: 5n },
      fee: { fee: 2n },
      'fee asset': { feeAsset: 9 },
      ephemeral: { ephemeral: world.random.bytes(32) },
      ciphertext: { ciphertexts: [world.random.bytes(32), world.random.bytes(32)] as [Uint8Array, Uint8Array] },
      withdrawal: { outAsset: 1, outValue: 1n, recipient: world.address(2) },
    };
    for (const [what, change] of Object.entries(changes)) {
      expect([what, await encoded(withTransfer(1, ({ records }) => ({ records: [{ ...records[0]!, ...change }] })))]).toEqual([
        what,
        'CONTRACT_FOLD_INVALID',
      ]);
    }
  });

  it('A12: refuses another prover, an added one, a removed one', async () => {
    expect(await encoded(withTransfer(0, () => ({ prover: world.address(7) })))).toBe('CONTRACT_FOLD_INVALID');
    expect(await encoded(withTransfer(0, () => ({ prover: `0x${'00'.repeat(20)}` })))).toBe('CONTRACT_FOLD_INVALID');
    expect(await encoded(withTransfer(1, () => ({ prover: world.address(7) })))).toBe('CONTRACT_FOLD_INVALID');
    expect(
      await encoded((settlement) => ({
        ...settlement,
        updates: settlement.updates.map((update) => ({ ...update, prover: world.address(7) })),
      })),
    ).toBe('CONTRACT_FOLD_INVALID');
  });

  it('refuses another h, other roots, another order', async () => {
    expect(await encoded(withTransfer(0, ({ h }) => ({ h: mod(h + 1n) })))).toBe('CONTRACT_FOLD_INVALID');
    expect(
      await encoded((settlement) => ({
        ...settlement,
        updates: settlement.updates.map((update) => ({ ...update, noteRootNew: mod(update.noteRootNew + 1n) })),
      })),
    ).toBe('CONTRACT_FOLD_INVALID');
    expect(
      await encoded((settlement) => ({
        ...settlement,
        updates: settlement.updates.map((update) => ({ ...update, nullRootNew: mod(update.nullRootNew + 1n) })),
      })),
    ).toBe('CONTRACT_FOLD_INVALID');
    expect(await encoded((settlement) => ({ ...settlement, transfers: [...settlement.transfers].reverse() }))).toBe(
      'CONTRACT_FOLD_INVALID',
    );
  });

  it('refuses the same bytes at another contract, and on another chain', async () => {
    const other = await deployRollup(world.signers[0]!, World.options(world.anvil, world.keys));
    expect(await codeOf(other.estimateSettle(honest.bytes, world.address(0)))).toBe('CONTRACT_FOLD_INVALID');
    await world.provider.send('anvil_setChainId', [1337]);
    expect(await refusal(honest.bytes)).toBe('CONTRACT_FOLD_INVALID');
    await world.provider.send('anvil_setChainId', [31337]);
    expect(await refusal(honest.bytes)).toBe('no error');
  });
});

describe('A11: a fold with something wrong in it', () => {
  it('refuses one bad proof among many, at any place', async () => {
    const forged = world.keys.prove(CIRCUITS.transfer_1.id, { h: 1n, z: 2n, y: 3n });
    for (const i of [0, 1, 2]) expect(await withProof(i, () => forged)).toBe('CONTRACT_FOLD_INVALID');
    const spoilt = encodeSettlement({
      ...honest.settlement,
      updates: honest.settlement.updates.map((update) => ({ ...update, proof: forged })),
    });
    expect(await refusal(spoilt)).toBe('CONTRACT_FOLD_INVALID');
  });

  it('refuses public inputs shifted by (d, −d·r1/r2)', async () => {
    const slots = honest.settlement.transfers.flatMap(({ records }) => records);
    const { items } = settlementStatements(honest.settlement, slots, {
      domain: world.domain,
      noteRoot: world.state.noteRoot,
      nullifierRoot: world.state.nullifierRoot,
      leafCount: world.state.leafCount,
    });
    const [r0, r1] = foldCoefficients(items) as [bigint, bigint];
    const d = 12345n;
    const shifted = withTransfer(1, ({ h }) => ({ h: mod(h - d * r0 * inverse(r1)) }))(
      withTransfer(0, ({ h }) => ({ h: mod(h + d) }))(honest.settlement),
    );
    expect(await refusal(encodeSettlement(shifted))).toBe('CONTRACT_FOLD_INVALID');
    expect(offChain(shifted)).toBe('FOLD_INVALID');
  });

  it('refuses proofs that cancel under equal weights', async () => {
    // C_0 + Q and C_1 − Q: a sum without weights would not notice.
    const q = bn254.G1.Point.BASE.multiply(777n);
    const moved = (proof: Groth16Proof, point: typeof q): Groth16Proof => {
      const { x, y } = bn254.G1.Point.fromAffine(proof.c).add(point).toAffine();
      return { ...proof, c: { x, y } };
    };
    const both = withTransfer(1, ({ proof }) => ({ proof: moved(proof, q.negate()) }))(
      withTransfer(0, ({ proof }) => ({ proof: moved(proof, q) }))(honest.settlement),
    );
    expect(await refusal(encodeSettlement(both))).toBe('CONTRACT_FOLD_INVALID');
  });

  it('refuses proofs swapped between records, and a proof used twice', async () => {
    const [first, second] = honest.settlement.transfers.map(({ proof }) => proof) as [Groth16Proof, Groth16Proof];
    const swapped = withTransfer(1, () => ({ proof: first }))(withTransfer(0, () => ({ proof: second }))(honest.settlement));
    expect(await refusal(encodeSettlement(swapped))).toBe('CONTRACT_FOLD_INVALID');
    expect(await withProof(1, () => first)).toBe('CONTRACT_FOLD_INVALID');
  });

  it('refuses a C built from another circuit’s columns', async () => {
    // With the other circuit's δ known, a C that would be right under it.
    const { h, z, y } = publicInputsOf(
      CIRCUITS.transfer_1.id,
      honest.settlement.transfers[2]!.h,
      transferList(world.state.noteRoot, honest.settlement.transfers[2]!.prover, honest.settlement.transfers[2]!.records, world.domain),
      world.domain,
    );
    const { alpha, beta, gamma, circuits } = world.keys.secrets;
    const own = circuits.get(CIRCUITS.transfer_1.id)!;
    const foreign = circuits.get(CIRCUITS.update_8.id)!;
    const vkx = [1n, h, z, y].reduce((sum, signal, k) => sum + signal * own.ic[k]!, 0n);
    const [a, b] = [5n, 7n];
    const c = (delta: bigint): G1 => g1(mod(a * b - alpha * beta - vkx * gamma) * inverse(delta));
    const proof = (delta: bigint): Groth16Proof => ({
      a: g1(a),
      b: { x: toPair(bn254.G2.Point.BASE.multiply(b).toAffine().x), y: toPair(bn254.G2.Point.BASE.multiply(b).toAffine().y) },
      c: c(delta),
    });
    expect(await withProof(2, () => proof(foreign.delta))).toBe('CONTRACT_FOLD_INVALID');
    expect(await withProof(2, () => proof(own.delta))).toBe('no error');
  });

  it('refuses points at infinity, off the curve, out of range, off the subgroup', async () => {
    const zero = { x: 0n, y: 0n };
    expect(await withProof(0, (proof) => ({ ...proof, a: zero }))).toBe('CONTRACT_FOLD_INVALID');
    expect(await withProof(0, (proof) => ({ ...proof, c: zero }))).toBe('CONTRACT_FOLD_INVALID');
    expect(await withProof(0, () => NO_PROOF)).toBe('CONTRACT_FOLD_INVALID');
    expect(await withProof(0, (proof) => ({ ...proof, a: { x: 1n, y: 3n } }))).toBe('CONTRACT_PROOF_MALFORMED');
    expect(await withProof(0, (proof) => ({ ...proof, c: { x: 1n, y: 3n } }))).toBe('CONTRACT_PROOF_MALFORMED');
    expect(await withProof(0, (proof) => ({ ...proof, b: { x: [1n, 2n], y: [3n, 4n] } }))).toBe('CONTRACT_PROOF_MALFORMED');
    // A coordinate plus q: the encoder of the protocol does not look, the precompile does.
    expect(await withProof(0, (proof) => ({ ...proof, a: { x: proof.a.x + BASE_FIELD_MODULUS, y: proof.a.y } }))).toBe(
      'CONTRACT_PROOF_MALFORMED',
    );
    // On the twist but outside the subgroup of order p: the curve's cofactor is not one there.
    expect(await withProof(0, (proof) => ({ ...proof, b: offSubgroup() }))).toBe('CONTRACT_PROOF_MALFORMED');
  });

  it('m = 1: a single forged proof has nothing to hide behind', async () => {
    const call = world.forceCall(world.record());
    const [first, second] = [world.keys.prove(1, { h: 1n, z: 1n, y: 1n }), call.proof];
    expect(await codeOf(world.as(1).force({ ...call, proof: first }))).toBe('CONTRACT_FOLD_INVALID');
    expect(await codeOf(world.as(1).force({ ...call, proof: second }))).toBe('no error');
  });

  it('agrees with the fold off chain, bad proof by bad proof', () => {
    expect(
      offChain({ ...honest.settlement, transfers: honest.settlement.transfers.map((entry) => ({ ...entry, h: mod(entry.h + 1n) })) }),
    ).toBe('FOLD_INVALID');
  });
});

describe('A12: a re-randomised proof', () => {
  it('is as good as the first, for the same prover and no other', async () => {
    const s = 987654321n;
    const again = (proof: Groth16Proof): Groth16Proof => {
      const b = bn254.G2.Point.fromAffine({
        x: bn254.fields.Fp2.fromBigTuple([...proof.b.x]),
        y: bn254.fields.Fp2.fromBigTuple([...proof.b.y]),
      })
        .multiply(inverse(s))
        .toAffine();
      return { a: multiply(proof.a, s), b: { x: toPair(b.x), y: toPair(b.y) }, c: proof.c };
    };
    expect(encodeProof(again(honest.settlement.transfers[0]!.proof))).not.toEqual(encodeProof(honest.settlement.transfers[0]!.proof));
    expect(await withProof(0, again)).toBe('no error');
    expect(await encoded(withTransfer(0, ({ proof }) => ({ proof: again(proof), prover: world.address(7) })))).toBe(
      'CONTRACT_FOLD_INVALID',
    );
  });
});

describe('A14: two encodings of one settlement', () => {
  it('do not exist: bytes in front, behind, or between are refused', async () => {
    expect(await refusal(concatBytes(honest.bytes, Uint8Array.of(0)))).not.toBe('no error');
    expect(await refusal(concatBytes(Uint8Array.of(0), honest.bytes))).not.toBe('no error');
    const h = mod(honest.settlement.transfers[0]!.h) + FIELD_MODULUS;
    expect(h > FIELD_MODULUS).toBe(true);
  });
});

function toPair({ c0, c1 }: { c0: bigint; c1: bigint }): [bigint, bigint] {
  return [c0, c1];
}

/** A point of the twist that is not in the subgroup: the first x that gives one. */
function offSubgroup(): { x: [bigint, bigint]; y: [bigint, bigint] } {
  const { Fp2 } = bn254.fields;
  const b = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]));
  for (let i = 1n; ; i++) {
    const x = Fp2.fromBigTuple([i, 1n]);
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b));
      if (!bn254.G2.Point.fromAffine({ x, y }).isTorsionFree()) return { x: toPair(x), y: toPair(y) };
    } catch {
      // no square root: not an x of the curve
    }
  }
}
