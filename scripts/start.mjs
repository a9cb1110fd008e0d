/** `npm start`: sets everything up, then runs the main job (dist/cli/start.js) with the arguments given. */
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

const startedMs = Date.now();
await prepare();
process.exitCode = await run(process.execPath, [join(root, 'dist', 'cli', 'start.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TACIT_PREPARE_MS: String(Date.now() - startedMs) },
});
