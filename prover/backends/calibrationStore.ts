/**
 * Measured crossovers in the per-user cache: one small JSON file for each adapter, driver, engine and number of threads.
 * A page keeps them in pageCalibrations.ts.
 * A file that cannot be read or written, or holds anything else, is no error: then it is measured again, or not used.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { circuitCache } from '../../circuits/paths.js';
import { type Calibration, readCalibration } from '../engine/webgpu/calibration.js';

const KEY_DIGITS = 16;

/** `webgpu/` beside the cache of circuits. */
function folder(): string {
  return join(dirname(circuitCache()), 'webgpu');
}

function calibrationFile(key: string): string {
  const name = createHash('sha256').update(key).digest('hex').slice(0, KEY_DIGITS);
  return join(folder(), `${name}.json`);
}

export async function storedCalibration(key: string): Promise<Calibration | undefined> {
  try {
    return readCalibration(JSON.parse(await readFile(calibrationFile(key), 'utf8')), key);
  } catch {
    return undefined;
  }
}

/** Whether some adapter was once faster on this machine. */
export async function anyCalibration(): Promise<boolean> {
  try {
    return (await readdir(folder())).some((name) => name.endsWith('.json'));
  } catch {
    return false;
  }
}

export async function storeCalibration(calibration: Calibration): Promise<void> {
  const path = calibrationFile(calibration.key);
  const temporary = `${path}.${process.pid}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, `${JSON.stringify(calibration, null, 1)}\n`);
    await rename(temporary, path);
  } catch {
    // A cache that cannot be written only costs the measurement next time.
  }
}
