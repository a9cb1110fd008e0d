/** Programs that a test needs and a machine may lack. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}
