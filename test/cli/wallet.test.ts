/** The wallet's commands in one process: arguments in, standard output, standard error and exit code out. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { registerWallet } from '../../cli/wallet.js';
import { TestNode } from '../client/testNode.js';
import { World } from '../verifier-contract/world.js';

let world: World;
let node: TestNode;
let url: string;
let dir: string;
let phrase = '';
let address = '';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly json: { [key: string]: unknown } & { error?: { code: string } };
}

/** Runs `tacit wallet …args`. */
async function tacit(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => out.push(String(chunk)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => err.push(String(chunk)) > 0),
  ];
  process.exitCode = 0;
  try {
    const program = new Command('tacit').exitOverride();
    registerWallet(program);
    await program.parseAsync(['wallet', ...args], { from: 'user' });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const code = Number(process.exitCode);
  process.exitCode = 0;
  const text = out.join('');
  return { code, out: text, err: err.join(''), json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {} };
}

const file = (name: string) => join(dir, name);
const secret = async (name: string, text: string, mode = 0o600) => {
  await writeFile(file(name), `${text}\n`);
  await chmod(file(name), mode);
  return file(name);
};
const chain = () => ['--wallet', file('w'), '--passphrase-file', file('pass'), '--rpc', world.anvil.rpcUrl, '--json'];
const full = () => [...chain(), '--node', url];

beforeAll(async () => {
  world = await World.start();
  node = new TestNode(world, (await resolveArtifacts('transfer_1')).vkey);
  url = await node.start();
  dir = await mkdtemp(join(tmpdir(), 'tacit-cli-'));
  await secret('pass', 'a passphrase');
  await secret('key', world.anvil.accounts[1]?.privateKey ?? '');
}, 300_000);

afterAll(async () => {
  await node?.stop();
  await world?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('tacit wallet', () => {
  it('new: one JSON value on standard output, the warning on standard error', async () => {
    const { code, json, out, err } = await tacit('new', ...chain(), '--contract', world.rollup.address);
    expect([code, out.trim().split('\n').length]).toEqual([0, 1]);
    expect(err).toContain('recovery phrase');
    ({ mnemonic: phrase, address } = json as unknown as { mnemonic: string; address: string });
    expect(phrase.split(' ')).toHaveLength(24);
    expect(address.startsWith('tacitdev1')).toBe(true);
    expect((await tacit('new', ...chain(), '--contract', world.rollup.address)).json.error?.code).toBe('WALLET_EXISTS');
  });

  it('address: needs no chain', async () => {
    const only = ['--wallet', file('w'), '--passphrase-file', file('pass')];
    expect((await tacit('address', ...only)).out.trim()).toBe(address);
    expect((await tacit('address', ...only, '--new', '--json')).json).toMatchObject({ index: 1 });
    expect((await tacit('address', ...only, '--index', '7')).code).toBe(1);
  });

  it('deposit, balance, pay, withdraw, history', async () => {
    const deposited = await tacit('deposit', ...chain(), '--amount', '2.5', '--asset', 'ETH', '--key-file', file('key'), '--memo', 'start');
    expect([deposited.code, deposited.json.value]).toEqual([0, String(25n * 10n ** 17n)]);
    expect((await tacit('balance', ...chain(), '--confirmations', '0')).json.assets).toMatchObject([
      { available: '0', incoming: String(25n * 10n ** 17n) },
    ]);
    const plain = chain().filter((word) => word !== '--json');
    expect((await tacit('balance', ...plain, '--confirmations', '0')).out).toBe('0 ETH in 0 notes, 2.5 ETH deposited, not yet taken in\n');
    node.deposited(deposited.json.commitment as string);
    await node.settle();
    const { json } = await tacit('balance', ...chain(), '--confirmations', '0');
    expect(json.assets).toEqual([{ asset: 0, available: String(25n * 10n ** 17n), reserved: '0', incoming: '0', notes: 1, symbol: 'ETH' }]);

    const tooMuch = await tacit('pay', ...full(), '--to', address, '--amount', '2.75');
    expect(tooMuch.json.error).toMatchObject({ code: 'INSUFFICIENT_FUNDS', got: '2.5 ETH' });
    expect(tooMuch.err).toMatch(/expected 2\.75\d* ETH, fee included, got 2\.5 ETH \[INSUFFICIENT_FUNDS\]/);

    const paid = await tacit(
      'pay',
      ...full(),
      '--to',
      address,
      '--amount',
      '0.5',
      '--memo',
      'me',
      '--prove',
      'farm',
      '--received-notes-too',
      '--yes',
      '--wait',
      'confirmed',
    );
    expect(paid.json.error).toBeUndefined();
    expect([paid.code, (paid.json.status as { status: string }).status]).toEqual([0, 'confirmed']);
    expect(paid.err).toContain('They learn');
    await node.settle();

    const out = await tacit(
      'withdraw',
      ...full(),
      '--to',
      `0x${'4D'.repeat(20)}`,
      '--amount',
      '0.25',
      '--prove',
      'farm',
      '--received-notes-too',
      '--wait',
      'accepted',
    );
    expect(out.code).toBe(0);
    await node.settle();
    expect(await world.provider.getBalance(`0x${'4d'.repeat(20)}`)).toBe(25n * 10n ** 16n);

    const past = (await tacit('history', ...chain(), '--confirmations', '0')).json as unknown as {
      kind: string;
      status: string;
      memo: string;
    }[];
    expect(past.map(({ kind, status, memo }) => [kind, status, memo])).toEqual([
      ['deposit', 'settled', 'start'],
      ['payment', 'settled', 'me'],
      ['withdrawal', 'settled', ''],
    ]);
    const shown = await tacit('history', ...chain().filter((word) => word !== '--json'), '--confirmations', '0');
    expect(shown.out).toContain('"start"');
    expect((await tacit('resume', ...full())).json).toEqual([]);
  }, 120_000);

  it('restore: the same money', async () => {
    await secret('phrase', phrase);
    const restored = await tacit(
      'restore',
      '--wallet',
      file('r'),
      '--passphrase-file',
      file('pass'),
      '--rpc',
      world.anvil.rpcUrl,
      '--contract',
      world.rollup.address,
      '--phrase-file',
      file('phrase'),
      '--json',
    );
    expect(restored.json.address).toBe(address);
    const { json } = await tacit(
      'balance',
      '--wallet',
      file('r'),
      '--passphrase-file',
      file('pass'),
      '--rpc',
      world.anvil.rpcUrl,
      '--confirmations',
      '0',
      '--json',
    );
    expect((json.assets as { available: string }[])[0]?.available).toBe(String(225n * 10n ** 16n));
  });

  it('every refusal has a code, exit code 1, and 2 where trying again may help', async () => {
    const pay = (...more: string[]) =>
      tacit('pay', ...full(), '--to', address, '--amount', '1', '--prove', 'farm', '--received-notes-too', ...more);
    const cases: [Promise<Ran> | (() => Promise<Ran>), number, string][] = [
      [() => pay('--to', 'nonsense'), 1, 'ADDRESS_CHECKSUM'],
      [() => pay('--asset', 'GOLD'), 1, 'ASSET_UNKNOWN'],
      [() => pay('--amount', '1.0000000000000000001'), 1, 'AMOUNT_FORMAT'],
      [() => pay('--amount', '1000'), 1, 'INSUFFICIENT_FUNDS'],
      [() => pay('--prove', 'moon'), 1, 'USAGE'],
      [() => pay('--backend', 'abacus'), 1, 'OPTION_INVALID'],
      [() => pay('--memo', 'far too long a memo'), 1, 'MEMO_SIZE'],
      [() => pay('--rpc', 'http://127.0.0.1:9'), 2, 'RPC_UNREACHABLE'],
      [() => pay('--node', 'http://127.0.0.1:9'), 2, 'NODE_UNREACHABLE'],
      [() => pay('--wallet', file('none')), 1, 'WALLET_MISSING'],
      [() => pay('--passphrase-file', file('key')), 1, 'PASSPHRASE_WRONG'],
      [() => pay('--passphrase-file', file('nowhere')), 1, 'SECRET_FILE'],
      [() => tacit('balance', '--wallet', file('w'), '--json'), 1, 'SECRET_MISSING'],
      [() => tacit('new', '--wallet', file('n'), '--passphrase-file', file('pass'), '--json'), 1, 'USAGE'],
    ];
    for (const [run, code, name] of cases) {
      const ran = await (typeof run === 'function' ? run() : run);
      expect([ran.json.error?.code, ran.code]).toEqual([name, code]);
      expect(ran.err).toContain(name);
    }
    await secret('open', 'a passphrase', 0o644);
    expect((await pay('--passphrase-file', file('open'))).json.error?.code).toBe('SECRET_FILE_MODE');
  }, 120_000);

  it('pay, proven at home: --backend chooses what proves, and --json says where each sum was computed', async () => {
    const pay = (backend: string) =>
      tacit('pay', ...full(), '--to', address, '--amount', '0.1', '--prove', 'home', '--backend', backend, '--wait', 'accepted');
    // No driver, so no adapter: a machine that has one would use it.
    vi.stubEnv('VK_ICD_FILENAMES', file('no-driver.json'));
    const forced = await pay('webgpu');
    vi.unstubAllEnvs();
    expect([forced.code, forced.json.error?.code]).toEqual([1, 'BACKEND_MISSING']);
    const kept = await tacit('balance', ...chain(), '--confirmations', '0');
    expect((kept.json.assets as { reserved: string }[])[0]?.reserved).toBe('0');

    const paid = await pay('wasm');
    const sums = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };
    expect(paid.json.proofs).toEqual([{ circuit: 'transfer_1', sums, gpuFailures: [] }]);
    expect([paid.code, node.submissions.at(-1)?.proof?.circuit]).toEqual([0, 'transfer_1']);
  }, 180_000);

  it('help shows examples, and no option takes a secret', async () => {
    const program = new Command('tacit');
    registerWallet(program);
    const wallet = program.commands[0];
    for (const command of wallet?.commands ?? []) {
      let help = '';
      command.configureOutput({
        writeOut: (text) => {
          help += text;
        },
      });
      command.outputHelp();
      expect(help, command.name()).toContain('Example');
      for (const { flags } of command.options) expect(flags).not.toMatch(/--(passphrase|phrase|key|mnemonic)\b(?!-file)/);
    }
  });
});
