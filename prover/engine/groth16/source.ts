/** Opens what a caller gave as a path, an address or bytes. */
import { platform } from '../platform/choose.js';
import { type ByteReader, memoryReader } from './container.js';

/** @throws TacitError ARTIFACT_MISSING */
export async function openReader(source: string | Uint8Array, what: string): Promise<ByteReader> {
  return source instanceof Uint8Array ? memoryReader(source) : (await platform()).open(source, what);
}
