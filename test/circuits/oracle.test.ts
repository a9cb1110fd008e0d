/**
 * The oracles against the circuits: ledger's applyBatch and protocol's checkTransferWitness say of random and of
 * adversarial statements what the circuits say. Hundreds in every run, thousands with TACIT_LONG=1; and, more slowly,
 * down to the proof. Seeded: a failing number is the seed of its case.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wtnsOf } from '../../circuits/wtns.js';
import { applyBatch, type CircuitInput } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { isTacitError, TacitError } from '../../protocol/errors.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import type { PublicInputs } from '../../protocol/fingerprint.js';
import { checkTransferWitness, type TransferWitness, transferCircuitInput } from '../../protocol/transfer.js';
import { Random } from '../ledger/random.js';
import { brokenLines } from '../ledger/updateStatement.js';
import { DOMAIN, witness, world } from '../protocol/walletSupport.js';
import { ForgedProofs, LONG } from './helpers/forgedProofs.js';
import { type Liar, loadLiar } from './helpers/liar.js';
import { honestTerms, mutatedTransfer, mutatedUpdate } from './helpers/mutants.js';
import { brokenStatement } from './helpers/statement.js';
import type { Signals } from './helpers/transferProver.js';
import { asText } from './helpers/updateProver.js';

const PROVER = `0x${'22'.repeat(20)}`;
const BATCHES = { seed: 20261121, numRuns: LONG ? 1000 : 50 };
/** With a batch whose first lie is the index of a subtree with bits above its own. */
const PROOFS = { seed: 20261122, numRuns: LONG ? 13 : 2, examples: [[1832134020]] as [number][] };
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const TIMEOUT_MS = LONG ? 3_600_000 : 300_000;

/** Refusals of the protocol's checker that the circuit leaves to others, each by whom. */
const STRICTER: readonly RegExp[] = [
  /^RECORD_/, // the contract and the codec check the record by itself
  /^TRANSFER_T2 .*asset of input/, // bounded through the balance only
  /^TRANSFER_T1 .*(prime order|nullifier scalar)/, // n' = 0, and keys of mixed order, harm their owner alone
];

let update: Liar;
let transfer: Liar;
let proofs: { update: ForgedProofs; transfer: ForgedProofs };
const states: LedgerState[] = [LedgerState.genesis()];
beforeAll(async () => {
  [update, transfer] = await Promise.all([loadLiar('update_2'), loadLiar('transfer_1')]);
  proofs = { update: new ForgedProofs(update.circuit.artifacts), transfer: new ForgedProofs(transfer.circuit.artifacts) };
  const random = new Random('oracle/states');
  for (let i = 0; i < 6; i++) states.push(applyBatch(states[i]!, 'update_2', random.slots(2), PROVER, DOMAIN).next);
});
afterAll(() => Promise.all([proofs.update.close(), proofs.transfer.close()]));

const batch = (random: Random) => applyBatch(states[random.int(states.length)]!, 'update_2', random.slots(random.int(3)), PROVER, DOMAIN);
const numbers = (value: unknown): unknown => (Array.isArray(value) ? value.map(numbers) : BigInt(value as string));
const signalsOf = (input: CircuitInput): Signals =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [name, numbers(value)]));
const list = ({ h, z, y }: PublicInputs): bigint[] => [h, z, y];

/** What the plain reading of the statement finds, and the one bound that it leaves out: an index of a row that shows no leaf. */
function broken(signals: Signals): string[] {
  const wide = (signals.lowIndex as bigint[]).some((index) => index >= 2n ** 32n) || (signals.subtreeIndex as bigint) >= 2n ** 30n;
  return [...brokenLines('update_2', asText(signals) as CircuitInput), ...(wide ? ['width'] : [])];
}

/** `accepted`, or code and message of the protocol's refusal. */
function oracle(w: TransferWitness): string {
  try {
    checkTransferWitness(w, DOMAIN);
    return 'accepted';
  } catch (error) {
    if (error instanceof TacitError) return `${error.code} ${error.message}`;
    throw error;
  }
}

/** The circuit's input; undefined where the protocol cannot even write it down. */
function inputOf(w: TransferWitness): ReturnType<typeof transferCircuitInput> | undefined {
  try {
    return transferCircuitInput('transfer_1', [w], w.anchor, PROVER, DOMAIN);
  } catch (error) {
    if (isTacitError(error)) return undefined;
    throw error;
  }
}

describe('the oracle against the circuit, at the witness', () => {
  const property = (check: (random: Random) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(seeds, (seed) => check(new Random(`oracle/${seed}`))),
      BATCHES,
    );

  it(
    'A3, A10 honest: update(2): batches of every kind → accepted, with the oracle’s public inputs',
    () =>
      property(async (random) => {
        const { input, publicInputs } = batch(random);
        expect((await update.circuit.witness(input)).slice(1, 4)).toEqual(list(publicInputs));
      }),
    TIMEOUT_MS,
  );

  it(
    'A10: update(2): one place altered or two exchanged → the circuit refuses what the statement refuses',
    () =>
      property(async (random) => {
        const mutant = mutatedUpdate(random, CIRCUITS.update_2.id, signalsOf(batch(random).input));
        const named = await brokenStatement(update.circuit.witness(mutant));
        expect([named === 'none', named]).toEqual([broken(mutant).length === 0, named]);
      }),
    TIMEOUT_MS,
  );

  it(
    'A4, A5, A6 honest: transfer(1): transfers of every shape → accepted by both, with the protocol’s public inputs',
    () =>
      property(async (random) => {
        const terms = honestTerms(random);
        const w = witness(world(random.seed, terms), terms);
        expect(oracle(w)).toBe('accepted');
        const { input, publicInputs } = inputOf(w)!;
        expect((await transfer.circuit.witness(input)).slice(1, 4)).toEqual(list(publicInputs));
      }),
    TIMEOUT_MS,
  );

  it(
    'A4, A5, A6: transfer(1): one lie in a signed transfer → the circuit refuses what the protocol refuses',
    () =>
      property(async (random) => {
        const w = mutatedTransfer(random, random.seed);
        const said = oracle(w);
        const written = inputOf(w);
        if (written === undefined) return void expect(said).not.toBe('accepted');
        const range = await brokenStatement(transfer.circuit.witness(written.input)).catch((e: unknown) => String(e));
        const stricter = STRICTER.some((rule) => rule.test(said));
        if (range === 'none') expect(said === 'accepted' || stricter, said).toBe(true);
        else expect([said === 'accepted', range]).toEqual([false, range]);
      }),
    TIMEOUT_MS,
  );
});

describe('the oracle against the circuit, at the proof', () => {
  const property = (check: (random: Random) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(seeds, (seed) => check(new Random(`proof/${seed}`))),
      PROOFS,
    );

  it(
    'update(2): a batch proves for the oracle’s public inputs and no others; a forged one does not prove',
    () =>
      property(async (random) => {
        const { input, publicInputs } = batch(random);
        const honest = await update.circuit.witness(input);
        const file = wtnsOf(honest);
        expect(await proofs.update.verdict(file, list(publicInputs))).toBe('verified');
        const by = list(publicInputs).map(() => BigInt(random.int(3)));
        const other = list(publicInputs).map((value, i) => (value + (by.every((n) => n === 0n) ? 1n : (by[i] as bigint))) % FIELD_MODULUS);
        expect(await proofs.update.verdict(file, other)).toBe('PROOF_INVALID');
        let forged = honest;
        while (update.brokenBy(forged).length === 0) {
          // A lie of which no wire is left (an index whose low bits are the true ones) leaves the honest witness as it is.
          expect(forged).toEqual(honest);
          const mutant = mutatedUpdate(random, CIRCUITS.update_2.id, signalsOf(input));
          if (broken(mutant).length > 0) forged = await update.forge(mutant);
        }
        expect(await proofs.update.verdict(wtnsOf(forged))).toBe('PROOF_INVALID');
      }),
    TIMEOUT_MS,
  );

  it(
    'transfer(1): a transfer proves for the protocol’s public inputs; one with a lie does not prove',
    () =>
      property(async (random) => {
        const terms = honestTerms(random);
        const { input, publicInputs } = inputOf(witness(world(random.seed, terms), terms))!;
        expect(await proofs.transfer.verdict(wtnsOf(await transfer.circuit.witness(input)), list(publicInputs))).toBe('verified');
        let forged: bigint[] = [];
        for (let lie = 0; forged.length === 0; lie++) {
          const written = inputOf(mutatedTransfer(random, `${random.seed}/${lie}`));
          const candidate = written === undefined ? [] : await transfer.forge(written.input).catch(() => []);
          if (candidate.length > 0 && transfer.brokenBy(candidate).length > 0) forged = candidate;
        }
        expect(await proofs.transfer.verdict(wtnsOf(forged))).toBe('PROOF_INVALID');
      }),
    TIMEOUT_MS,
  );
});
