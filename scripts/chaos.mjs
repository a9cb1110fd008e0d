/** `npm run chaos -- NAME [--seed N]`, `-- --list`, `-- --all`: sets up, then plays scenarios of dist/test/chaos. */
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';
import { ensurePrograms } from './programs.mjs';

await prepare();
await ensurePrograms();
process.exitCode = await run(process.execPath, [join(root, 'dist', 'test', 'chaos', 'run.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
