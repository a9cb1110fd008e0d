/**
 * Circuits' files over HTTP, for workers that have none and for downloads that broke off.
 *
 *   GET /v1/artifacts/transfer_1              {circuit, files: {wasm, zkey, vkey, compact?: {file, sizeBytes, sha256}}}
 *   GET /v1/artifacts/transfer_1.wasm         the file: ETag (its hash), Range, If-Range, If-None-Match; HEAD
 *
 * One range a request, as RFC 9110 §14 allows a server; several at once are answered with the whole file.
 */
import { createReadStream } from 'node:fs';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { type ArtifactShelf, etagOf, SHELF_KINDS, type StoredFile } from './artifactShelf.js';

/**
 * Downloads at one time. One more ends the one that has been open for longest, if that is long: it can be resumed, and whoever
 * keeps downloads open to keep others out has to come again and again. Else the newcomer is answered 429.
 */
export interface DownloadLimits {
  readonly open: number;
  /** So long nobody is ended. */
  readonly graceMs: number;
}

const DOWNLOAD_LIMITS: DownloadLimits = { open: 32, graceMs: 30_000 };

interface OpenDownload {
  readonly sinceMs: number;
  end(): void;
}

interface ByteRange {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
}

export function addArtifactRoutes(app: FastifyInstance, shelf: ArtifactShelf, limits = DOWNLOAD_LIMITS): void {
  /** In the order of their beginning. */
  const open = new Set<OpenDownload>();
  const schema = {
    tags: ['farm'],
    summary: 'A circuit’s files with their SHA-256, or one of the files (resumable)',
    produces: ['application/json', 'application/octet-stream'],
  };
  app.get<{ Params: { name: string } }>('/v1/artifacts/:name', { schema }, async (request, reply) => {
    const { name } = request.params;
    const circuit = Object.keys(CIRCUITS).find((known) => name === known || name.startsWith(`${known}.`)) as CircuitName | undefined;
    const found = circuit === undefined ? undefined : await shelf.circuit(circuit);
    if (found === undefined) throw unknown(name);
    if (name === circuit) return { circuit, files: describedFiles(found.files) };
    const file = SHELF_KINDS.flatMap((kind) => found.files[kind] ?? []).find((entry) => entry.file === name);
    if (file === undefined) throw unknown(name);
    makeRoom(open, limits);
    const download = { sinceMs: Date.now(), end: () => void reply.raw.destroy() };
    open.add(download);
    reply.raw.once('close', () => open.delete(download));
    return sendFile(reply, file, request.headers);
  });
}

function makeRoom(open: Set<OpenDownload>, limits: DownloadLimits): void {
  if (open.size < limits.open) return;
  const [oldest] = open;
  if (oldest === undefined || Date.now() - oldest.sinceMs < limits.graceMs)
    throw new TacitError('NODE_BUSY', 'too many downloads at one time', { retryable: true });
  open.delete(oldest);
  oldest.end();
}

function describedFiles(files: Readonly<Partial<Record<string, StoredFile>>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([kind, entry]) =>
      entry === undefined ? [] : [[kind, { file: entry.file, sizeBytes: entry.sizeBytes, sha256: entry.sha256 }]],
    ),
  );
}

function sendFile(reply: FastifyReply, stored: StoredFile, headers: Record<string, unknown>): FastifyReply {
  const { path, sizeBytes } = stored;
  const etag = etagOf(stored);
  reply.header('etag', etag).header('accept-ranges', 'bytes').header('cache-control', 'no-cache').type('application/octet-stream');
  if (headers['if-none-match'] === etag) return reply.status(304).send();
  const wanted = headers['if-range'] === undefined || headers['if-range'] === etag ? headers.range : undefined;
  const range = rangeOf(typeof wanted === 'string' ? wanted : undefined, sizeBytes);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${sizeBytes}`);
    throw new TacitError('RANGE_UNSATISFIABLE', 'the file is not so long', { expected: `below ${sizeBytes}`, got: String(wanted) });
  }
  if (range === undefined) return reply.header('content-length', sizeBytes).send(createReadStream(path));
  const { start, end } = range;
  return reply
    .status(206)
    .header('content-range', `bytes ${start}-${end}/${sizeBytes}`)
    .header('content-length', end - start + 1)
    .send(createReadStream(path, { start, end }));
}

/** Undefined: the whole file. */
function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const parts = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  if (parts === null) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start > end || start >= sizeBytes ? 'unsatisfiable' : { start, end };
}

function unknown(name: string): TacitError {
  return new TacitError('ARTIFACT_UNKNOWN', 'this node has no such file', {
    expected: 'a circuit, or a file that it names',
    got: name.slice(0, 80),
  });
}
