/** `npm run bench -- NAME [--json]`: sets up, then runs one benchmark of dist/bench. */
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

await prepare();
process.exitCode = await run(process.execPath, [join(root, 'dist', 'bench', 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
