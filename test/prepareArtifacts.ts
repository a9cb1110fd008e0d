/** Builds circuits, development keys and contracts that the tests need, two circuits at a time, with progress. */
import { resolveArtifacts } from '../circuits/artifacts.js';
import { progressBars } from '../cli/progress.js';
import { compileContracts } from '../verifier-contract/compile.js';
import { prepareRealPool } from './foundry/realPool.js';

const bars = progressBars();
const onProgress = ({ circuit, phase, fraction }: { circuit: string; phase: string; fraction: number }): void =>
  bars.report(`${phase} ${circuit}`, fraction);

await Promise.all([resolveArtifacts('transfer_1', { onProgress }), resolveArtifacts('update_2', { onProgress })]);
await Promise.all([resolveArtifacts('update_8', { onProgress }), compileContracts()]);
bars.close();
// Several test files replay these proofs; made here once, they are not made side by side.
await prepareRealPool(process.cwd(), 'short');
