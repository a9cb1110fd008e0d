/** Node, cores, memory, and the artifacts in this machine's cache. */
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { checkFiles, loadManifest } from '../../circuits/artifacts.js';
import { buildDir } from '../../circuits/build.js';
import { manifestPath } from '../../circuits/manifest.js';
import type { CircuitName } from '../../protocol/circuit.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { type Check, messageOf } from './check.js';

/** As scripts/prepare.mjs demands it. */
const MIN_NODE = [20, 3] as const;
const GIB = 2 ** 30;

export function checkNode(found: string = process.versions.node): Check {
  const [major = 0, minor = 0] = found.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return { name: 'Node', state: 'ok', found };
  return { name: 'Node', state: 'wrong', found, mend: `install Node ${MIN_NODE.join('.')} or newer` };
}

export function checkMachine(): Check {
  return { name: 'machine', state: 'ok', found: `${availableParallelism()} cores, ${(totalmem() / GIB).toFixed(1)} GiB` };
}

/** @param production true where the chain holds real money: development keys are refused there */
export function checkArtifacts(production: boolean, circuits = Object.keys(CIRCUITS) as readonly CircuitName[]): Promise<Check[]> {
  return Promise.all(circuits.map((circuit) => checkArtifact(circuit, production)));
}

async function checkArtifact(circuit: CircuitName, production: boolean): Promise<Check> {
  const name = `circuit ${circuit}`;
  const dir = buildDir(circuit);
  if (!existsSync(manifestPath(dir))) return { name, state: 'skipped', found: 'not built yet; built on first use' };
  try {
    const manifest = loadManifest(circuit);
    await checkFiles(dir, manifest);
    const found = `${manifest.constraints} constraints, ${manifest.insecure ? 'INSECURE development key' : 'key'}, hashes match`;
    if (manifest.insecure && production)
      return { name, state: 'wrong', found, mend: 'whoever knows its secret can mint money: import the key of a ceremony (tacit setup)' };
    return { name, state: 'ok', found };
  } catch (error) {
    return { name, state: 'wrong', found: messageOf(error), mend: `delete ${dir} and let it be built again` };
  }
}
