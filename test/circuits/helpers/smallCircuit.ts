/** Circuits that exist in a test only: compiled into a temporary folder, with the library's templates at hand. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompiledFiles, compileCircuit } from '../../../circuits/compile.js';
import { packageRoot } from '../../../circuits/paths.js';
import { sourcesOf } from '../../../circuits/sources.js';

/** @param text circom source whose includes are relative to circuits/main/ */
export async function compileSmall(text: string): Promise<CompiledFiles> {
  const main = 'circuits/main/small.circom';
  const sources = sourcesOf(main, packageRoot(), new Map([[main, text]]));
  return compileCircuit(sources, await mkdtemp(join(tmpdir(), 'tacit-small-')));
}
