/** `npm run build`: installs what is missing and compiles. */
import { prepare } from './prepare.mjs';

await prepare();
