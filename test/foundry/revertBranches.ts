/**
 * Which places of the contract can revert, and which tests say that they do.
 *
 * A revert branch is a `revert Error(…)` in `contracts/<File>.sol`. A test names it by its function name,
 * `test_<File>_<Error>` with `_<what>` behind it where a file reverts with one error in several places. A file needs
 * as many tests of an error as it has places, less those listed in `EXCEPTIONS` with the reason.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RevertBranch {
  /** `<File>.<Error>` */
  readonly name: string;
  readonly places: number;
  readonly tests: readonly string[];
  /** Places that no test reaches, and why. */
  readonly exception?: { readonly places: number; readonly reason: string };
}

const EXCEPTIONS: Readonly<Record<string, { readonly places: number; readonly reason: string }>> = {
  'Fold.ProofMalformed': {
    places: 1,
    reason: 'of the two closing steps, whose points were checked at deployment, both fail only for want of gas: one test starves them',
  },
  'KeyTable.KeyStoreFailed': {
    places: 1,
    reason:
      'a blob of at most 2,246 bytes always fits a contract: the creation fails only for want of gas, which the constructor then lacks too',
  },
};

const REVERT = /\brevert\s+([A-Z]\w*)\s*\(/g;
const TEST = /\bfunction\s+(test_[A-Z]\w*)\s*\(/g;
const OTHER_REFUSAL = /\b(?:require|assert)\s*\(|\brevert\s*\(\s*[")]/;

/**
 * @param contracts the folder of the rollup's sources @param tests the folder of the Foundry tests
 * @throws Error when a source refuses without a custom error
 */
export async function revertBranches(contracts: string, tests: string): Promise<RevertBranch[]> {
  const named = (await solidity(tests)).flatMap(({ text }) => [...text.matchAll(TEST)].map(([, name]) => name as string));
  const branches: RevertBranch[] = [];
  for (const { file, text } of await solidity(contracts)) {
    const code = text.replace(/\/\/.*$/gm, '');
    const other = OTHER_REFUSAL.exec(code);
    if (other !== null) throw new Error(`${file}.sol refuses without a custom error: ${other[0]}`);
    const places = new Map<string, number>();
    for (const [, error] of code.matchAll(REVERT)) places.set(error as string, (places.get(error as string) ?? 0) + 1);
    for (const [error, count] of places) {
      const name = `${file}.${error}`;
      const prefix = `test_${file}_${error}`;
      const exception = EXCEPTIONS[name];
      branches.push({
        name,
        places: count,
        tests: named.filter((test) => test === prefix || test.startsWith(`${prefix}_`)),
        ...(exception === undefined ? {} : { exception }),
      });
    }
  }
  return branches;
}

/** Exceptions that name no branch any more. */
export function staleExceptions(branches: readonly RevertBranch[]): string[] {
  return Object.keys(EXCEPTIONS).filter((name) => !branches.some((branch) => branch.name === name));
}

async function solidity(dir: string): Promise<{ file: string; text: string }[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.sol')).sort();
  return Promise.all(
    names.map(async (name) => ({ file: name.replace(/(\.t)?\.sol$/, ''), text: await readFile(join(dir, name), 'utf8') })),
  );
}
