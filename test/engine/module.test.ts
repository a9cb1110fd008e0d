/**
 * The emitted modules are the same everywhere; a deliberate change of a kernel changes their pins.
 *
 * To pin what is emitted now: PIN_KERNELS=1 npx vitest run test/engine/module.test.ts
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BACKEND_NAMES } from '../../prover/engine/field/representation.js';
import { emit } from '../../prover/engine/kernels.js';

const PINS = new URL('../../prover/engine/pins.json', import.meta.url);
/** SHA-256 of the module of each backend, for shared memory. */
type Pins = Record<string, string>;

const hashes: Pins = Object.fromEntries(
  BACKEND_NAMES.map((backend) => [backend, createHash('sha256').update(emit(backend, true).bytes).digest('hex')]),
);
if (process.env.PIN_KERNELS) writeFileSync(PINS, `${JSON.stringify(hashes, null, 2)}\n`);

describe('the emitted modules', () => {
  it('have the pinned hashes (see the head of this file for the command that pins anew)', () => {
    expect(hashes).toEqual(JSON.parse(readFileSync(PINS, 'utf8')));
  });

  it.each(BACKEND_NAMES)('%s: two emissions are the same bytes; without shared memory only the limits differ', (backend) => {
    const [first, second, unshared] = [emit(backend, true).bytes, emit(backend, true).bytes, emit(backend, false).bytes];
    expect(second).toEqual(first);
    expect(unshared.filter((byte, i) => byte !== first[i])).toHaveLength(1);
  });

  it('portable is valid without any proposal', () => {
    expect(WebAssembly.validate(emit('portable', true).bytes)).toBe(true);
    expect(WebAssembly.validate(emit('portable', false).bytes)).toBe(true);
  });
});
