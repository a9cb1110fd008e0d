/** The update circuits that a node is started with: ones that it can settle with, however few transfers there are. */
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { KeyTable } from '../protocol/fold.js';

/**
 * @param text names, comma-separated
 * @param keys the contract's
 * @throws TacitError USAGE: no such circuit; one that the contract has no key of, whose seals nobody could ever prove; none that takes a single slot
 */
export function updateCircuits(text: string, keys: Pick<KeyTable, 'has'>): CircuitName[] {
  const names = text.split(',').map((name) => {
    if (CIRCUITS[name as CircuitName]?.kind === 'update') return name as CircuitName;
    throw new TacitError('USAGE', 'not the name of an update circuit', { expected: 'update_2, update_8 or update_32', got: name });
  });
  const foreign = names.find((name) => !keys.has(CIRCUITS[name].id));
  if (foreign !== undefined)
    throw new TacitError('USAGE', 'the contract has no key of this update circuit', {
      expected: Object.entries(CIRCUITS)
        .filter(([, { kind, id }]) => kind === 'update' && keys.has(id))
        .map(([name]) => name)
        .join(', '),
      got: foreign,
    });
  if (names.every((name) => CIRCUITS[name].minSlots > 1))
    throw new TacitError('USAGE', 'a few transfers alone would wait for ever', {
      expected: 'an update circuit that takes a single slot, beside the large one',
      got: text,
    });
  return names;
}
