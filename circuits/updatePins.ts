/**
 * `node dist/circuits/updatePins.js --update-pins [NAME…]`: builds circuits and writes their hashes and counts into
 * circuits/pins.json. The only way to change that file; the difference shows in the review. Without names, those that
 * are pinned already.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { type CircuitPins, checkFiles, loadPins, type Pins, pinsPath } from './artifacts.js';
import { buildCircuit } from './build.js';
import { loadManifest } from './manifest.js';

const FLAG = '--update-pins';

/** @throws TacitError PINS_FLAG without the flag, CIRCUIT_UNKNOWN for a wrong name */
export async function updatePins(args: readonly string[], say: (line: string) => void): Promise<void> {
  if (!args.includes(FLAG)) throw new TacitError('PINS_FLAG', 'pins are rewritten on request only', { expected: FLAG });
  const old: Pins = existsSync(pinsPath()) ? loadPins() : {};
  const named = args.filter((arg) => arg !== FLAG);
  for (const name of named)
    if (!(name in CIRCUITS))
      throw new TacitError('CIRCUIT_UNKNOWN', 'no such circuit', { expected: Object.keys(CIRCUITS).join(', '), got: name });
  const fresh: Partial<Record<CircuitName, CircuitPins>> = {};
  for (const name of (named.length > 0 ? named : Object.keys(old)) as CircuitName[]) {
    const startedMs = Date.now();
    const { dir } = await buildCircuit(name);
    const manifest = loadManifest(dir);
    const { sourceHash, constraints, wires, domainSize } = manifest;
    fresh[name] = { sourceHash, constraints, wires, domainSize, sha256: await checkFiles(dir, manifest) };
    say(`${name}: ${constraints} constraints, ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  // Read again: another process may have pinned another circuit while this one built.
  const pins: Pins = { ...(existsSync(pinsPath()) ? loadPins() : {}), ...fresh };
  const ordered = Object.fromEntries(Object.keys(CIRCUITS).flatMap((name) => (name in pins ? [[name, pins[name as CircuitName]]] : [])));
  writeFileSync(pinsPath(), `${JSON.stringify(ordered, null, 2)}\n`);
}

if (process.argv[1]?.endsWith('updatePins.js') === true) {
  await updatePins(process.argv.slice(2), (line) => process.stderr.write(`${line}\n`));
}
