/**
 * Runs Foundry's tests with the forge that npm installed, and reads its report. No network, no global tool: the
 * compiler is solc.mjs beside this file.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

export interface ForgeTest {
  readonly suite: string;
  readonly name: string;
  readonly passed: boolean;
  /** Reason, counterexample and the steps that led there, when it failed. */
  readonly detail: string;
  /** Gas that the test took note of, by name. */
  readonly gas: Readonly<Record<string, string>>;
}

interface SuiteReport {
  readonly test_results: Record<
    string,
    { status: string; reason: string | null; counterexample: unknown; gas_snapshots?: Record<string, Record<string, string>> }
  >;
}

/** The platform's forge binary. @throws Error with what to do when it is missing */
export function forgePath(): string {
  const windows = process.platform === 'win32';
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/forge-${process.platform}-${arch}/bin/forge${windows ? '.exe' : ''}`;
  const require = createRequire(import.meta.url);
  try {
    return createRequire(require.resolve('@foundry-rs/forge/package.json')).resolve(name);
  } catch (cause) {
    throw new Error(`forge is not installed for this machine: npm install puts it at node_modules/${name}`, { cause });
  }
}

/**
 * Runs all tests below `root` and returns every one of them.
 * @param profile of foundry.toml @param options `inputs`: another file than prepare.ts wrote; `failFast`: end at the first failure
 * @throws Error when forge does not get as far as a report: the sources do not compile, say
 */
export async function runForge(
  root: string,
  profile: 'default' | 'long',
  options: { readonly inputs?: string; readonly failFast?: boolean } = {},
): Promise<ForgeTest[]> {
  const inputs = options.inputs === undefined ? {} : { TACIT_FOUNDRY_INPUTS: options.inputs };
  const env = { ...process.env, ...inputs, FOUNDRY_PROFILE: profile, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1', NO_COLOR: '1' };
  const { out, err, code } = await collect(
    forgePath(),
    ['test', '--root', root, '--json', ...(options.failFast ? ['--fail-fast'] : [])],
    env,
  );
  const tests = readReport(out);
  if (tests === undefined) throw new Error(`forge test ended with ${code} and no report:\n${tail(err)}\n${tail(out)}`);
  if (code !== 0 && tests.every(({ passed }) => passed)) throw new Error(`forge test ended with ${code}:\n${tail(err)}\n${tail(out)}`);
  return tests;
}

/** forge prints one JSON object, in a line of its own. */
export function readReport(out: string): ForgeTest[] | undefined {
  const line = out.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) return undefined;
  const report = JSON.parse(line) as Record<string, SuiteReport>;
  return Object.entries(report).flatMap(([path, { test_results }]) =>
    Object.entries(test_results).map(([name, { status, reason, counterexample, gas_snapshots }]) => ({
      suite: path.slice(path.lastIndexOf(':') + 1),
      name: name.replace(/\(.*$/, ''),
      passed: status === 'Success',
      detail: `${status}: ${reason ?? 'no reason given'}${counterexample === null ? '' : `\n${JSON.stringify(counterexample, undefined, 1)}`}`,
      gas: Object.assign({}, ...Object.values(gas_snapshots ?? {})),
    })),
  );
}

function collect(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ out: string; err: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString(), code }));
  });
}

function tail(text: string): string {
  return text.slice(-6_000);
}
