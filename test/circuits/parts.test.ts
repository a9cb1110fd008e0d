/** The count by parts is a count of all constraints, and finds them where the sources put them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { partsOf } from '../../circuits/parts.js';
import { R1cs } from '../../circuits/r1cs.js';

describe('constraints by part', () => {
  it('add up to all, and most of a transfer is the hashes of its two paths', async () => {
    const { r1csPath, symPath } = await resolveArtifacts('transfer_1');
    const r1cs = new R1cs(readFileSync(r1csPath));
    const parts = partsOf(r1cs, readFileSync(symPath, 'utf8'));
    expect(parts.reduce((sum, { constraints }) => sum + constraints, 0)).toBe(r1cs.header.constraints);
    // 16 levels, 297 a hash, two inputs.
    expect(parts[0]).toEqual({ name: 'TransferRecord.InputNote.MerkleRoot.H', constraints: 2 * 16 * 297 });
    expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length);
  });
});
