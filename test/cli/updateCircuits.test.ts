import { describe, expect, it } from 'vitest';
import { updateCircuits } from '../../cli/updateCircuits.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';

const keysOf = (...names: CircuitName[]) => new Set(names.map((name) => CIRCUITS[name].id));
const KEYS = keysOf('transfer_1', 'update_8', 'update_32');

describe('the update circuits of a node', () => {
  it('are those that the contract has keys of, one of them for a single slot', () => {
    expect(updateCircuits('update_8', KEYS)).toEqual(['update_8']);
    expect(updateCircuits('update_8,update_32', KEYS)).toEqual(['update_8', 'update_32']);
  });

  it.each([
    ['transfer_1', /not the name of an update circuit/],
    ['update_9', /not the name of an update circuit/],
    ['update_8,', /not the name of an update circuit/],
    ['update_2', /the contract has no key/],
    ['update_32', /would wait for ever/],
  ])('%s is refused: %s', (text, message) => {
    expect(() => updateCircuits(text, KEYS)).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }));
  });
});
