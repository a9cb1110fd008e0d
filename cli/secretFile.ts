/** Private keys for the command line come from a file of mode 0600, never from an argument. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';

const OTHERS = 0o077;

/**
 * Reads an Ethereum private key: `0x` and 64 hexadecimal digits.
 * @throws TacitError KEY_FILE_MISSING, KEY_FILE_MODE (others may read it), KEY_FILE_FORMAT
 */
export function readKeyFile(path: string): Hex {
  if (!existsSync(path))
    throw new TacitError('KEY_FILE_MISSING', 'the key file does not exist', { expected: 'a file with a private key', got: path });
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    throw new TacitError('KEY_FILE_MODE', 'others may read the key file; run chmod 600 on it', {
      expected: 'mode 600',
      got: `mode ${mode.toString(8)}`,
    });
  }
  const text = readFileSync(path, 'utf8').trim();
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw new TacitError('KEY_FILE_FORMAT', 'the key file does not hold a private key', {
      expected: '0x and 64 hexadecimal digits',
      got: `${text.length} characters`,
    });
  return text.toLowerCase();
}
