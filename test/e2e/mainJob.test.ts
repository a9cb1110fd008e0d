/**
 * The test of record: the whole way with a real Redis, real proofs, a real EVM, a node and two workers as processes of
 * their own. Every balance is compared, the chain's own books too, and the auditor is asked.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MainJobResult, runMainJob } from '../../devnet/mainJob.js';
import { parsePayments } from '../../devnet/payments.js';
import { gasPerTransfer, jsonSummary, succeeded, textSummary } from '../../devnet/summary.js';

const ASSETS = [
  { symbol: 'ETH', decimals: 18, faucetLimit: 10n ** 24n },
  { symbol: 'TUSD', decimals: 6, faucetLimit: 10n ** 18n },
];
const RECIPIENT = '0x90f79bf6eb2c4f870365e785982e1f101e93b906';
const MEMO = 'CANARY-MEMO1';
const CSV = `payer,payee,asset,amount,memo
alice,bob,ETH,0.25,${MEMO}
alice,carol,TUSD,120.5,two
bob,alice,ETH,0.5,three
bob,carol,TUSD,42,four
carol,${RECIPIENT},TUSD,60,
`;

let dir: string;
let result: MainJobResult;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-e2e-'));
  result = await runMainJob({
    payments: parsePayments(CSV, ASSETS),
    dir,
    workers: 2,
    home: 1,
    log: () => {},
    onBuild: () => {},
    onStage: () => {},
  });
}, 600_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('from wallet to settled root', () => {
  it('settles every payment, through every stage in order', () => {
    for (const { status, stagesMs, reason, payment } of result.payments) {
      expect(status, `${payment.payer}: ${reason ?? ''}`).toBe('settled');
      const stages = ['queued', 'proven', 'confirmed', 'settled'].map((stage) => stagesMs[stage]);
      expect(stages.every((at) => at !== undefined)).toBe(true);
      expect(stages).toEqual([...stages].sort((a, b) => (a as number) - (b as number)));
    }
  });

  it('has one payment proven at home and the others by workers', () => {
    expect(result.payments.map(({ prove }) => prove)).toEqual(['home', 'farm', 'farm', 'farm', 'farm']);
  });

  it('leaves everybody with exactly what the file says', () => {
    expect(result.balances.map(({ name, asset, balance, expected }) => [name, asset.symbol, balance === expected])).toEqual(
      ['alice', 'bob', 'carol'].flatMap((name) => ['ETH', 'TUSD'].map((symbol) => [name, symbol, true])),
    );
    const carol = result.balances.find(({ name, asset }) => name === 'carol' && asset.symbol === 'TUSD');
    expect(carol?.balance).toBe(162_500_000n);
  });

  it('is found valid by the auditor, who counted the same', () => {
    expect(result.audit.findings).toEqual([]);
    expect(result.audit.valid).toBe(true);
    expect(result.audit.counts).toMatchObject({
      transfers: 5,
      withdrawals: 1,
      deposits: result.deposits,
      settlements: result.settlements.length,
    });
  });

  it('sums up truthfully, for people and for programs', () => {
    expect(succeeded(result)).toBe(true);
    expect(gasPerTransfer(result)).toBeGreaterThan(50_000);
    const json = JSON.parse(
      JSON.stringify(jsonSummary(result, { total: 1 }), (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
    );
    expect(json).toMatchObject({ audit: { valid: true }, gas: { perTransfer: gasPerTransfer(result) }, timesMs: { total: 1 } });
    expect(json.payments.map(({ status }: { status: string }) => status)).toEqual(Array(5).fill('settled'));
    expect(textSummary(result, { total: 1000 })).toContain('All payments are settled');
  });

  it('A16: no memo stands readable in Redis, the journal or a log', () => {
    const files = filesBelow(dir);
    expect(files.some((path) => path.includes('redis') || path.includes('journal'))).toBe(true);
    for (const path of files) expect(readFileSync(path).includes(MEMO), path).toBe(false);
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return statSync(path).isFile() ? [path] : [];
  });
}
