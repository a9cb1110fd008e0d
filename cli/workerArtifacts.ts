/** Where a worker's circuits come from: this machine's cache, else the node's shelf, else they are built. */

import { existsSync } from 'node:fs';
import { resolveProvingFiles } from '../circuits/artifacts.js';
import { buildDir } from '../circuits/build.js';
import { isTacitError } from '../protocol/errors.js';
import type { ProvingArtifacts } from '../prover/worker.js';
import { downloadArtifacts } from '../queue/artifactDownload.js';
import type { Lane } from '../queue/farmOptions.js';
import { say } from './output.js';
import { progressBars } from './progress.js';

/** @param node URL to ask for what is not built here */
export async function workerArtifacts(circuit: Lane, node: string | undefined): Promise<ProvingArtifacts> {
  const bars = progressBars();
  try {
    if (node !== undefined && !isBuilt(circuit)) {
      try {
        return await downloadArtifacts(circuit, { node, onProgress: ({ file, fraction }) => bars.report(`download ${file}`, fraction) });
      } catch (error) {
        if (!isTacitError(error, 'ARTIFACT_UNKNOWN')) throw error;
        say(`the node has no files of ${circuit}; they are built here`);
      }
    }
    return await resolveProvingFiles(circuit, {
      onProgress: ({ circuit: name, phase, fraction }) => bars.report(`${phase} ${name}`, fraction),
    });
  } finally {
    bars.close();
  }
}

/** False also where the circuits' sources are not installed. */
function isBuilt(circuit: Lane): boolean {
  try {
    return existsSync(buildDir(circuit));
  } catch {
    return false;
  }
}
