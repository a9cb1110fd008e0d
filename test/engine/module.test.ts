/** The emitted module is the same everywhere; a deliberate change of a kernel changes the pin. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { kernels } from '../../prover/engine/kernels.js';

const PINNED_SHA256 = '7f1c3dfb8e24cb030fb81848ea5478dc00cde229be24b3147715e610eea3d33d';

describe('the emitted module', () => {
  it('is valid and has the pinned hash', () => {
    const { bytes } = kernels();
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(PINNED_SHA256);
  });
});
