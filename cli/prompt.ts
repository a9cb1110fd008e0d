/**
 * Secrets and confirmations from people. A secret comes from a file or from a prompt that shows nothing, never from an
 * argument: arguments end up in shell histories and process lists. Prompts go to standard error.
 */
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { TacitError } from '../protocol/errors.js';

const OTHERS = 0o077;

/**
 * The first line of a file, or what is typed at the prompt.
 * @param option name of the option that names the file, for the error's text
 * @throws TacitError SECRET_MISSING (no file and no terminal), SECRET_FILE, SECRET_FILE_MODE
 */
export async function readSecret(question: string, file: string | undefined, option: string): Promise<string> {
  if (file !== undefined) return readSecretFile(file);
  if (process.stdin.isTTY !== true)
    throw new TacitError('SECRET_MISSING', `cannot ask for the ${question} without a terminal`, { expected: `${option} FILE` });
  return ask(`${question}: `, true);
}

/** The same, asked twice when typed. @throws TacitError SECRET_MISMATCH, and as readSecret */
export async function readNewSecret(question: string, file: string | undefined, option: string): Promise<string> {
  const secret = await readSecret(question, file, option);
  if (file !== undefined) return secret;
  if ((await ask(`${question} again: `, true)) !== secret)
    throw new TacitError('SECRET_MISMATCH', `the two entries of the ${question} differ`);
  return secret;
}

/** True without asking where there is no terminal to ask at. */
export async function confirms(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return true;
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `, false)).trim());
}

function readSecretFile(path: string): string {
  let text: string;
  try {
    const found = statSync(path);
    const mode = found.mode & 0o777;
    if (process.platform !== 'win32' && found.isFile() && (mode & OTHERS) !== 0) {
      throw new TacitError('SECRET_FILE_MODE', 'others may read the secret’s file; run chmod 600 on it', {
        expected: 'mode 600',
        got: `mode ${mode.toString(8)}`,
      });
    }
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    throw new TacitError('SECRET_FILE', 'the secret’s file cannot be read', { got: path, cause });
  }
  return text.split(/\r?\n/, 1)[0] ?? '';
}

function ask(question: string, hidden: boolean): Promise<string> {
  let silent = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('close', () => reject(new TacitError('SECRET_MISSING', 'the prompt was left')));
    lines.question(question, (answer) => {
      if (hidden) process.stderr.write('\n');
      resolve(answer);
      lines.close();
    });
    silent = hidden;
  });
}
