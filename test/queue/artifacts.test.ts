/** Circuits' files from a node: whole, resumed, and never believed. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { type CircuitPins, loadPins } from '../../circuits/artifacts.js';
import { sha256File } from '../../circuits/hash.js';
import { compactKey } from '../../prover/engine/groth16/compactWriter.js';
import { type DownloadOptions, downloadArtifacts } from '../../queue/artifactDownload.js';
import { addArtifactRoutes } from '../../queue/artifactRoutes.js';
import { type ArtifactShelf, cacheShelf, type StoredFile } from '../../queue/artifactShelf.js';
import { GATEWAY_LIMITS, type RunningGateway, startGateway } from '../../queue/gateway.js';
import { answerError } from '../../queue/httpErrors.js';
import { code } from '../prover/code.js';
import { SmallNode } from './smallNode.js';

/** Several chunks of a stream (64 kB). */
const WASM_BYTES = 400_000;
const NAME = 'transfer_1';

let scratch: string;
let gateway: RunningGateway;
let files: Record<'wasm' | 'zkey' | 'vkey', StoredFile>;
let compact: StoredFile;
let offered: Partial<Record<'wasm' | 'zkey' | 'vkey' | 'compact', StoredFile>>;
let pins: { transfer_1: CircuitPins };
let dir: string;

async function stored(file: string, bytes: Uint8Array): Promise<StoredFile> {
  const path = join(scratch, file);
  await writeFile(path, bytes);
  return { file, path, sizeBytes: bytes.length, sha256: await sha256File(path) };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-shelf-'));
  const { zkeyPath } = await buildProverCircuit(productChain(40, 3n));
  const zkey = new Uint8Array(await readFile(zkeyPath));
  files = {
    wasm: await stored(`${NAME}.wasm`, randomBytes(WASM_BYTES)),
    zkey: await stored(`${NAME}.zkey`, zkey),
    vkey: await stored(`${NAME}.vkey.json`, new TextEncoder().encode('{"protocol":"groth16"}')),
  };
  compact = { ...(await stored(`${NAME}.tzkc`, await compactKey(zkey))), sha256: files.zkey.sha256 };
  const { wasm, zkey: key, vkey } = files;
  const known = loadPins()[NAME] as CircuitPins;
  pins = { transfer_1: { ...known, sha256: { ...known.sha256, wasm: wasm.sha256, zkey: key.sha256, vkey: vkey.sha256 } } };
  const shelf: ArtifactShelf = { circuit: async (name) => (name === NAME ? { circuit: name, files: offered } : undefined) };
  gateway = await startGateway({ service: new SmallNode(), shelf });
});
afterAll(async () => {
  await gateway.close();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  offered = { ...files };
  dir = await mkdtemp(join(scratch, 'cache-'));
});

const get = (name: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${gateway.url}/v1/artifacts/${name}`, { headers, method });
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const download = (change: Partial<DownloadOptions> = {}) => downloadArtifacts(NAME, { node: gateway.url, dir, pins, ...change });

describe('the shelf over HTTP', () => {
  it('names a circuit’s files with size and hash, and where they lie only to itself', async () => {
    const list = (await (await get(NAME)).json()) as { files: Record<string, unknown> };
    const { path: _, ...wasm } = files.wasm;
    expect(list.files.wasm).toEqual(wasm);
    expect(JSON.stringify(list)).not.toContain(scratch);
    for (const name of ['update_32', 'transfer_1.r1cs', 'transfer_1.', 'nothing', '..%2f..%2fetc%2fpasswd', 'transfer_1.wasm%2f..'])
      expect([name, (await get(name)).status]).toEqual([name, 404]);
  });

  it('gives the whole, a range, the end, nothing where it is known; and refuses what is beyond', async () => {
    const whole = await readFile(files.wasm.path);
    const etag = `"${files.wasm.sha256}"`;
    const first = await get(files.wasm.file);
    expect([first.status, first.headers.get('etag'), first.headers.get('accept-ranges')]).toEqual([200, etag, 'bytes']);
    expect((await bytesOf(first)).equals(whole)).toBe(true);
    const ranges: [string, number, Buffer | undefined][] = [
      ['bytes=10-19', 206, whole.subarray(10, 20)],
      [`bytes=${WASM_BYTES - 5}-`, 206, whole.subarray(-5)],
      ['bytes=-7', 206, whole.subarray(-7)],
      [`bytes=0-${WASM_BYTES * 2}`, 206, whole],
      ['bytes=0-1,4-5', 200, whole],
      ['lines=1-2', 200, whole],
      [`bytes=${WASM_BYTES}-`, 416, undefined],
      ['bytes=20-10', 416, undefined],
    ];
    for (const [range, status, expected] of ranges) {
      const response = await get(files.wasm.file, { range });
      expect([range, response.status]).toEqual([range, status]);
      if (expected !== undefined) expect((await bytesOf(response)).equals(expected)).toBe(true);
      else expect(response.headers.get('content-range')).toBe(`bytes */${WASM_BYTES}`);
    }
    expect((await get(files.wasm.file, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(files.wasm.file, { range: 'bytes=1-2', 'if-range': etag })).status).toBe(206);
    expect((await get(files.wasm.file, { range: 'bytes=1-2', 'if-range': '"another"' })).status).toBe(200);
    const head = await get(files.wasm.file, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(WASM_BYTES)]);
  });

  it('lets nobody keep others out: one download more ends the oldest, when that is old, and that one goes on where it was', async () => {
    const GRACE_MS = 400;
    // More than a connection holds back for one who does not read.
    const big = await stored('transfer_1.big.wasm', randomBytes(24_000_000));
    const shelf: ArtifactShelf = { circuit: async () => ({ circuit: NAME, files: { wasm: { ...big, file: files.wasm.file } } }) };
    const app = Fastify({ forceCloseConnections: true });
    app.setErrorHandler((error, _request, reply) => answerError(error, reply, GATEWAY_LIMITS));
    addArtifactRoutes(app, shelf, { open: 2, graceMs: GRACE_MS });
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/v1/artifacts/${files.wasm.file}`;
    const hoarded = [await fetch(url), await fetch(url)];
    expect((await fetch(url)).status).toBe(429);
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    const newcomer = await fetch(url);
    expect((await bytesOf(newcomer)).length).toBe(big.sizeBytes);
    const [ended, kept] = await Promise.allSettled(hoarded.map((response) => bytesOf(response)));
    expect([ended?.status, kept?.status]).toEqual(['rejected', 'fulfilled']);
    const rest = await fetch(url, { headers: { range: 'bytes=23000000-' } });
    expect([rest.status, (await bytesOf(rest)).length]).toEqual([206, 1_000_000]);
    await app.close();
  });

  it('offers this machine’s cache', async () => {
    const { wasm, zkey, vkey } = (await cacheShelf().circuit(NAME))?.files ?? {};
    const { sha256 } = loadPins()[NAME] as CircuitPins;
    expect([wasm?.sha256, zkey?.sha256, vkey?.sha256]).toEqual([sha256.wasm, sha256.zkey, sha256.vkey]);
  });
});

describe('a download', () => {
  it('brings what is missing, once; what is there and right is used without asking', async () => {
    const { wasmPath, zkeyPath, vkey } = await download();
    expect(await sha256File(wasmPath)).toBe(files.wasm.sha256);
    expect(await sha256File(zkeyPath)).toBe(files.zkey.sha256);
    expect(vkey).toEqual({ protocol: 'groth16' });
    expect((await download({ fetch: () => Promise.reject(new Error('nobody is asked')) })).zkeyPath).toBe(zkeyPath);
    expect((await readdir(dir)).filter((name) => /part|lock$|expanded/.test(name))).toEqual([]);
  });

  it('goes on where it broke off, also by another process', async () => {
    const asked: (string | null)[] = [];
    let cuts = 3;
    const flaky: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).endsWith('.wasm')) return response;
      asked.push(new Headers(init?.headers).get('range'));
      return cuts-- > 0 ? cutOff(response, 100_000) : response;
    };
    const { wasmPath } = await download({ fetch: flaky });
    expect(asked).toEqual([null, 'bytes=100000-', 'bytes=200000-', 'bytes=300000-']);
    expect(await sha256File(wasmPath)).toBe(files.wasm.sha256);
    // What another process had left behind.
    await rm(wasmPath);
    await writeFile(`${wasmPath}.part`, (await readFile(files.wasm.path)).subarray(0, 250_000));
    asked.length = 0;
    await download({ fetch: flaky });
    expect(asked).toEqual(['bytes=250000-']);
    expect(await sha256File(wasmPath)).toBe(files.wasm.sha256);
  });

  it('A13: with one wrong byte is named and thrown away, and nothing is put in its place', async () => {
    const bytes = await readFile(files.wasm.path);
    bytes[WASM_BYTES / 2] = (bytes[WASM_BYTES / 2] as number) ^ 1;
    const wrong = await stored('wrong.wasm', bytes);
    const named = {
      code: 'ARTIFACT_HASH',
      expected: files.wasm.sha256,
      got: wrong.sha256,
      message: expect.stringContaining('transfer_1.wasm'),
    };
    // The node vouches for it.
    offered.wasm = { ...wrong, file: files.wasm.file, sha256: files.wasm.sha256 };
    await expect(download()).rejects.toMatchObject(named);
    expect(await readdir(dir)).toEqual([]);
    // A node that says itself that it has another file is not asked for it.
    offered.wasm = { ...wrong, file: files.wasm.file };
    const asked: string[] = [];
    const note: typeof fetch = (input, init) => fetch(input, init).finally(() => asked.push(String(input)));
    await expect(download({ fetch: note })).rejects.toMatchObject(named);
    expect(asked.filter((url) => url.endsWith('.wasm'))).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
    offered = { ...files };
    expect(await sha256File((await download()).wasmPath)).toBe(files.wasm.sha256);
  });

  it('A13: of a file that was changed in the middle: no mixture is made, the other is named, and the right one comes when it is back', async () => {
    const other = await stored('other.wasm', randomBytes(WASM_BYTES));
    const answers: [string | null, number][] = [];
    const changing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).endsWith('.wasm')) return response;
      answers.push([new Headers(init?.headers).get('range'), response.status]);
      offered.wasm = { ...other, file: files.wasm.file };
      return answers.length === 1 ? cutOff(response, 100_000) : response;
    };
    expect(await code(() => download({ fetch: changing }))).toBe('ARTIFACT_HASH');
    // The rest was asked for, and the whole of the other came.
    expect(answers).toEqual([
      [null, 200],
      ['bytes=100000-', 200],
    ]);
    expect(await readdir(dir)).toEqual([]);
    offered = { ...files };
    expect(await sha256File((await download()).wasmPath)).toBe(files.wasm.sha256);
  });

  it('A13: a part that was spoilt on this disk is noticed, and so is a file', async () => {
    await writeFile(join(dir, `${files.wasm.sha256}.wasm.part`), randomBytes(250_000));
    expect(await code(() => download())).toBe('ARTIFACT_HASH');
    const { wasmPath } = await download();
    await writeFile(wasmPath, 'spoilt');
    expect(await sha256File((await download()).wasmPath)).toBe(files.wasm.sha256);
  });

  it('takes the small form of a key where there is one, and believes only what it expands to', async () => {
    offered.compact = compact;
    const asked: string[] = [];
    const note: typeof fetch = (input, init) => {
      asked.push(String(input).split('/').at(-1) ?? '');
      return fetch(input, init);
    };
    const { zkeyPath } = await download({ fetch: note });
    expect(await sha256File(zkeyPath)).toBe(files.zkey.sha256);
    expect([asked.includes(compact.file), asked.includes(files.zkey.file)]).toEqual([true, false]);
    await rm(zkeyPath);
    const other = await buildProverCircuit(productChain(41, 3n));
    const foreign = await stored('foreign.tzkc', await compactKey(new Uint8Array(await readFile(other.zkeyPath))));
    offered.compact = { ...foreign, file: compact.file, sha256: compact.sha256 };
    expect(await code(() => download())).toBe('ARTIFACT_HASH');
    const garbage = await stored('garbage.tzkc', randomBytes(1_000));
    offered.compact = { ...garbage, file: compact.file };
    expect(await code(() => download())).toBe('ARTIFACT_HASH');
    expect((await readdir(dir)).filter((name) => name.includes('zkey') && !name.endsWith('.lock'))).toEqual([]);
  });

  it('from a node that lies about sizes, has nothing, or is not there, ends with a name', async () => {
    offered.wasm = { ...files.wasm, sizeBytes: WASM_BYTES - 1 };
    const shorter: typeof fetch = async (input, init) =>
      String(input).endsWith('.wasm') ? new Response(new Uint8Array(WASM_BYTES)) : fetch(input, init);
    expect(await code(() => download({ fetch: shorter }))).toBe('NODE_ANSWER');
    for (const list of [
      undefined,
      null,
      5,
      { wasm: { file: '../x', sizeBytes: 1, sha256: files.wasm.sha256 } },
      { wasm: {} },
      { wasm: null },
    ])
      expect(await code(() => download({ fetch: async () => Response.json({ files: list }) }))).toBe('NODE_ANSWER');
    expect(await code(() => download({ fetch: async () => new Response('<html>') }))).toBe('NODE_ANSWER');
    expect(await code(() => downloadArtifacts('update_32', { node: gateway.url, dir }))).toBe('ARTIFACT_UNKNOWN');
    expect(await code(() => downloadArtifacts('update_32', { node: gateway.url, dir, pins }))).toBe('ARTIFACT_PIN');
    expect(await code(() => download({ node: 'http://127.0.0.1:1' }))).toBe('NODE_UNREACHABLE');
  });
});

/** The answer's first bytes, and then a broken connection. */
function cutOff(response: Response, bytes: number): Response {
  const reader = response.body?.getReader();
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { value } = (await reader?.read()) ?? {};
      if (value === undefined || left === 0) return controller.error(new TypeError('terminated'));
      controller.enqueue(value.slice(0, left));
      left -= Math.min(left, value.length);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
