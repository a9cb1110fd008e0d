/**
 * An update job made one's own: the statement is read back from the circuit's input, the prover's address put in, and the
 * three public inputs computed for it. All of it is public data.
 */
import { CIRCUITS } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { evmAddressToField } from '../protocol/evmAddress.js';
import type { PublicInputs } from '../protocol/fingerprint.js';
import type { EvmAddress, Field } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { type Slot, type UpdateStatement, updatePublicInputs } from '../protocol/update.js';
import type { JobSignal, UpdateJob } from '../queue/contracts.js';

/** @throws TacitError JOB_MALFORMED, SLOT_COUNT, FIELD_RANGE */
export function ownUpdate(
  job: UpdateJob,
  prover: EvmAddress,
  domain: Domain,
): { input: Record<string, unknown>; publicInputs: PublicInputs } {
  const signals = new Signals(job.input);
  const { size } = CIRCUITS[job.circuit];
  const pairs = (name: string): [Field, Field][] =>
    Array.from({ length: size }, (_, slot) => [signals.number(name, slot, 0), signals.number(name, slot, 1)]);
  const commitments = pairs('cm');
  const slots = pairs('nf').map(([nf1, nf2], slot): Slot => {
    const [cm1, cm2] = commitments[slot] as [Field, Field];
    return { nf1, nf2, cm1, cm2 };
  });
  const statement: UpdateStatement = {
    noteRootOld: signals.number('noteRootOld'),
    noteRootNew: signals.number('noteRootNew'),
    nullRootOld: signals.number('nullRootOld'),
    nullRootNew: signals.number('nullRootNew'),
    startIndex: signals.number('startIndex'),
    prover,
    slots,
  };
  const sorted = Array.from({ length: 2 * size }, (_, k) => signals.number('s', k));
  const publicInputs = updatePublicInputs(job.circuit, statement, sorted, domain);
  const { h, z, y } = publicInputs;
  return {
    input: { ...job.input, h: String(h), z: String(z), y: String(y), prover: String(evmAddressToField(prover, 'prover')) },
    publicInputs,
  };
}

class Signals {
  readonly #input: Record<string, JobSignal>;

  constructor(input: Record<string, JobSignal>) {
    this.#input = input;
  }

  number(name: string, ...path: number[]): bigint {
    let value: JobSignal | undefined = this.#input[name];
    for (const index of path) value = Array.isArray(value) ? value[index] : undefined;
    if (typeof value !== 'string')
      throw new TacitError('JOB_MALFORMED', `the update's input lacks a signal`, { expected: [name, ...path].join('.') });
    return BigInt(value);
  }
}
