/** Static analysis of the Solidity: solhint under .solhintrc.yaml, and every warning of the compiler. Nothing is found. */
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface SolhintConfig {
  rules: Record<string, unknown>;
}
interface Solhint {
  processFile(path: string, config: SolhintConfig, root: string): { reports: { line: number; ruleId: string; message: string }[] };
}
interface SolhintConfigs {
  loadConfig(path?: string): SolhintConfig;
  applyExtends(config: SolhintConfig): SolhintConfig;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const CONTRACTS = 'verifier-contract/contracts';

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder));
  return names.filter((name) => name.endsWith('.sol')).map((name) => `${folder}/${name}`);
}

/** By the functions behind solhint's command. */
function findings(path: string, ownRules: Record<string, unknown> = {}): string[] {
  const solhint = require('solhint/lib/index') as Solhint;
  const { loadConfig, applyExtends } = require('solhint/lib/config/config-file') as SolhintConfigs;
  const config = applyExtends(loadConfig(join(root, '.solhintrc.yaml')));
  const { reports } = solhint.processFile(join(root, path), { ...config, rules: { ...config.rules, ...ownRules } }, root);
  return reports.map(({ line, ruleId, message }) => `${path}:${line} ${ruleId}: ${message}`);
}

describe('solhint', () => {
  it('finds nothing in the contract', async () => {
    for (const path of await sources(CONTRACTS)) expect(findings(path)).toEqual([]);
  });

  it('finds nothing in its tests', async () => {
    const { loadConfig } = require('solhint/lib/config/config-file') as SolhintConfigs;
    const { rules } = loadConfig(join(root, 'test/foundry/.solhintrc.yaml'));
    const paths = [...(await sources('test/foundry')), ...(await sources('test/foundry/support'))];
    for (const path of paths) expect(findings(path, rules)).toEqual([]);
  });

  it('is awake: it finds what an adversary of the tests does', () => {
    expect(findings(`${CONTRACTS}/test/Hostile.sol`).join()).toContain('avoid-low-level-calls');
  });
});

describe('the compiler', () => {
  it('has no warning for the contract', async () => {
    const paths = await sources(CONTRACTS);
    const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')));
    const names = paths.map((path) => path.slice(CONTRACTS.length + 1));
    const input = {
      language: 'Solidity',
      sources: Object.fromEntries(names.map((name, i) => [name, { content: texts[i] }])),
      // analysis alone, where all but size warnings come from; the size has a limit in compile.ts
      settings: { outputSelection: { '*': { '*': ['abi'] } } },
    };
    const output = JSON.parse(await compile(JSON.stringify(input))) as { errors?: { formattedMessage: string }[] };
    expect((output.errors ?? []).map(({ formattedMessage }) => formattedMessage)).toEqual([]);
  });
});

function compile(input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'test/foundry/solc.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(out).toString()));
    child.stdin.end(input);
  });
}
