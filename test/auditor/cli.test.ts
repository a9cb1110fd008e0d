import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerAudit } from '../../cli/audit.js';
import { HonestChain } from './chain.js';
import { flipped } from './mutations.js';

let chain: HonestChain;
let dir = '';
const file = (name: string) => join(dir, name);

/** Runs a command line in this process. */
async function tacit(...args: string[]): Promise<{ exitCode: unknown; out: string; json: Record<string, unknown> }> {
  const exitCode = process.exitCode;
  let out = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  try {
    const program = new Command('tacit').exitOverride();
    registerAudit(program);
    await program.parseAsync(args, { from: 'user' });
    return { exitCode: process.exitCode, out, json: args.includes('--json') ? (JSON.parse(out) as Record<string, unknown>) : {} };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = exitCode;
  }
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-audit-cli-'));
  chain = await HonestChain.start();
}, 180_000);
afterAll(async () => {
  await chain?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('tacit audit, export, verify-batch', () => {
  it('end with 0 on an honest chain, its archive and its batch', async () => {
    const source = ['--rpc', chain.world.anvil.rpcUrl, '--contract', chain.world.rollup.address];
    const live = await tacit('audit', ...source);
    expect(live.exitCode).toBe(0);
    expect(live.out).toMatch(/^VALID {2}contract 0x[0-9a-f]{40} on chain 31337/);
    expect(await tacit('export', ...source, '--out', file('archive.json'), '--json')).toMatchObject({
      exitCode: 0,
      json: { file: file('archive.json'), audit: { valid: true } },
    });
    expect(await tacit('export', ...source, '--settlement', '2', '--out', file('batch.json'))).toMatchObject({ exitCode: 0 });
    expect(await tacit('audit', '--archive', file('archive.json'), '--json')).toMatchObject({
      exitCode: 0,
      json: { verdict: 'valid', valid: true, counts: { settlements: 4 } },
    });
    expect(await tacit('verify-batch', file('batch.json'), '--json')).toMatchObject({
      exitCode: 0,
      json: { verdict: 'valid', proofs: ['transfer_1', 'update_2'] },
    });
  });

  it('end with 1 and name the place when something is wrong', async () => {
    const text = readFileSync(file('archive.json'), 'utf8');
    const archive = JSON.parse(text) as { events: { kind: string; calldata: string; block: number }[] };
    const event = archive.events.find(({ kind }) => kind === 'settled') as { calldata: string; block: number };
    event.calldata = flipped(event.calldata, 200);
    writeFileSync(file('forged.json'), `${JSON.stringify(archive)}\n`);
    const audit = await tacit('audit', '--archive', file('forged.json'));
    expect(audit.exitCode).toBe(1);
    expect(audit.out).toContain(`INVALID block ${event.block}, settlement 0, transaction 0x`);
    const batch = JSON.parse(readFileSync(file('batch.json'), 'utf8')) as { items: { h: string }[] };
    batch.items[0] = { ...batch.items[0], h: flipped(batch.items[0]?.h as string, 31) };
    writeFileSync(file('forged-batch.json'), JSON.stringify(batch));
    expect(await tacit('verify-batch', file('forged-batch.json'), '--json')).toMatchObject({
      exitCode: 1,
      json: { verdict: 'invalid', badProofs: [0] },
    });
  });

  it('end with 2 when nothing can be decided', async () => {
    const undecided = (code: string) => ({ exitCode: 2, json: { verdict: 'undecided', valid: false, error: { code } } });
    writeFileSync(file('empty.json'), '{}');
    expect(await tacit('audit', '--archive', file('nothing.json'), '--json')).toMatchObject(undecided('FILE_UNREADABLE'));
    expect(await tacit('audit', '--archive', file('empty.json'), '--json')).toMatchObject(undecided('ARCHIVE_FORMAT'));
    expect(await tacit('verify-batch', file('empty.json'), '--json')).toMatchObject(undecided('BATCH_FORMAT'));
    expect(await tacit('audit', '--rpc', 'http://127.0.0.1:1', '--contract', chain.world.rollup.address, '--json')).toMatchObject(
      undecided('RPC_UNREACHABLE'),
    );
    expect(await tacit('audit', '--json')).toMatchObject(undecided('USAGE'));
    vi.stubEnv('TACIT_RPC', 'http://127.0.0.1:1');
    vi.stubEnv('TACIT_CONTRACT', chain.world.rollup.address);
    expect(await tacit('audit', '--json')).toMatchObject(undecided('RPC_UNREACHABLE'));
    expect(await tacit('audit', '--archive', file('empty.json'), '--json')).toMatchObject(undecided('ARCHIVE_FORMAT'));
    vi.unstubAllEnvs();
    const silent = await tacit('audit', '--rpc', chain.world.anvil.rpcUrl, '--contract', `0x${'01'.repeat(20)}`, '--json');
    expect(silent).toMatchObject(undecided('CONTRACT_ABSENT'));
  });
});
