/** `npm run bench -- NAME [--json]`: runs one benchmark. Each checks its answers before it times anything. */
import { benchEngine } from './engine.js';
import { benchFarm } from './farm.js';
import { benchGas } from './gas.js';
import { benchGrouping } from './grouping.js';
import { benchMsmWebgpu, serveMsmPage } from './msmWebgpu.js';
import { benchProver } from './prover.js';
import { benchVerify } from './verify.js';

const BENCHES: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  engine: benchEngine,
  farm: benchFarm,
  gas: benchGas,
  grouping: benchGrouping,
  'msm-page': serveMsmPage,
  'msm-webgpu': benchMsmWebgpu,
  prover: benchProver,
  verify: benchVerify,
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(`Which benchmark? One of: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await bench(args);
}
