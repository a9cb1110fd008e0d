/**
 * Layer check: who may import whom. Plain Node, no dependency; prints every offender and exits 1.
 *
 *   1. A room imports itself and rooms of a lower rank, nothing beside and nothing above it.
 *   2. No cycle between files, counting imports of types too.
 *   3. A package may be imported only where it belongs (PACKAGES below): GPL code stays out of what a wallet or a node
 *      ships, Redis stays in queue/, lmdb in the journal, ethers with the contract's bindings.
 *   4. protocol/ and the tree files of ledger/ touch nothing of Node; no import leaves the project or starts from its root.
 *   5. Every room opens with a README.md; no `export *`.
 *
 * Usage: node scripts/check-imports.mjs [FOLDER], by default the project that the script lies in.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));

/** Rooms by rank; a rank may import all ranks before it. The engine is a room inside prover/: the set-up in circuits/ computes keys with it. */
const RANKS = [
  ['protocol'],
  ['prover/engine'],
  ['circuits', 'ledger'],
  ['prover', 'queue', 'verifier-contract'],
  ['client', 'aggregator', 'auditor'],
  ['operations'],
  ['devnet'],
  ['cli', 'web', 'bench'],
  ['test'],
];
/** Single steps beside one's rank: the farm worker takes its job contracts from queue (the engine below it may not), the prover's bench its sample transfers from the tests. */
const BESIDE = [
  ...['announcing', 'observer', 'openTransfer', 'updateJob', 'worker'].map((file) => ({ from: `prover/${file}`, to: 'queue' })),
  { from: 'bench/proverInputs', to: 'test' },
];

const ROOMS = RANKS.flat();
const NEED_README = ROOMS.filter((room) => room !== 'test');
/** Rooms whose code may use anything that is installed. */
const TOOLS = ['circuits', 'bench', 'devnet', 'test'];
/** Doors to Redis, chain and disk, which only measuring and testing may go around. */
const DOORS = ['ioredis', 'redis', 'bullmq', 'js-redis-server', 'lmdb', 'ethers'];
const BESIDE_DOORS = ['bench', 'test'];

/** Package → paths (prefixes) that may import it, beside TOOLS. A package that is not listed may be imported anywhere above protocol. */
const PACKAGES = {
  // GPL-3.0
  snarkjs: ['prover/backends/snarkjs.ts'],
  ffjavascript: [],
  circomlib: [],
  circomlibjs: ['verifier-contract/'],
  circom2: [],
  circom_runtime: [],
  wasmbuilder: [],
  wasmcurves: [],
  r1csfile: [],
  fastfile: [],
  // doors to the outside
  ioredis: ['queue/'],
  redis: [],
  bullmq: ['queue/'],
  'js-redis-server': ['queue/'],
  lmdb: ['ledger/journal.ts'],
  // The devnet's faucet counts its own nonces.
  ethers: ['verifier-contract/', 'devnet/network.ts'],
  '@foundry-rs/anvil': ['cli/', 'verifier-contract/'],
  '@foundry-rs/forge': [],
  solc: ['verifier-contract/'],
  fastify: ['queue/', 'operations/'],
  '@fastify/swagger': ['queue/'],
  commander: ['cli/'],
  '@bull-board/api': ['queue/'],
  '@bull-board/fastify': ['queue/'],
  '@fastify/basic-auth': ['operations/'],
  'prom-client': ['operations/'],
  pino: ['operations/'],
  '@opentelemetry/api': ['operations/'],
  '@opentelemetry/exporter-trace-otlp-http': ['operations/'],
  '@opentelemetry/resources': ['operations/'],
  '@opentelemetry/sdk-trace-base': ['operations/'],
};
/** What a pure room may use. */
const PURE = { protocol: ['@noble/ciphers', '@noble/curves', '@noble/hashes', '@scure/base', '@scure/bip39', 'poseidon-lite'] };
/** Files that a browser loads: nothing of Node. */
const BROWSER = [
  /^protocol\//,
  /^ledger\/(?!journal|lockFile)/,
  /^prover\/engine\/(?!platform\/node|pool\/nodeWorker)/,
  /^prover\/backends\/(gpuReport|gpuSupply|pageCalibrations)\./,
  /^bench\/(msmRows|webgpuAdapter|page\/main)\./,
];

const offences = [];
const offend = (file, line, text) => offences.push(`${file}:${line}  ${text}`);

for (const room of NEED_README) {
  if (existsSync(join(root, room)) && !existsSync(join(root, room, 'README.md'))) offend(room, 0, 'the room has no README.md');
}

/** file → its imports inside the project */
const graph = new Map();
for (const room of ROOMS.filter((name) => !name.includes('/')))
  for (const file of sourcesIn(join(root, room))) graph.set(file, checkFile(file));
for (const cycle of cycles(graph)) offend(cycle[0], 1, `cycle: ${[...cycle, cycle[0]].join(' → ')}`);

if (offences.length > 0) {
  process.stderr.write(`${offences.sort().join('\n')}\n${offences.length} offence${offences.length === 1 ? '' : 's'} against the layers\n`);
  process.exit(1);
}
process.stderr.write(`${graph.size} files keep to the layers\n`);

function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : sourcesIn(path);
    return /\.(ts|mts|tsx|mjs|js)$/.test(entry.name) ? [relative(root, path).split(sep).join('/')] : [];
  });
}

function checkFile(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const inside = [];
  for (const { name, line, typeOnly, star } of importsOf(text)) {
    if (star) offend(file, line, 'export * hides where names come from');
    if (name.startsWith('.')) {
      const target = checkInside(file, line, name);
      if (target !== undefined) inside.push(target);
    } else checkOutside(file, line, name, typeOnly);
  }
  return inside;
}

/** Static and dynamic imports and re-exports. Comments are blanked first, keeping the line numbers. */
function importsOf(source) {
  const text = source.replace(/\/\*[\s\S]*?\*\/|(^|[^:'"`\\])\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
  const found = [];
  const add = (match, name, typeOnly, star = false) =>
    found.push({ name, typeOnly, star, line: text.slice(0, match.index).split('\n').length + (match[0].match(/^\n*/)?.[0].length ?? 0) });
  for (const match of text.matchAll(/(?:^|[\n;])\s*(import|export)\s+(type\s+)?((?:[\w$*\s{},]|\bas\b)*?)\s*from\s*['"]([^'"]+)['"]/g)) {
    add(match, match[4], match[2] !== undefined, match[1] === 'export' && match[3].trim() === '*');
  }
  for (const match of text.matchAll(/(?:^|[\n;])\s*import\s*['"]([^'"]+)['"]/g)) add(match, match[1], false);
  for (const match of text.matchAll(/\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g)) add(match, match[1], false);
  return found;
}

function checkInside(file, line, name) {
  const target = relative(root, resolve(root, dirname(file), name))
    .split(sep)
    .join('/');
  const source = target.replace(/\.js$/, '.ts').replace(/\.mjs$/, '.mts');
  const found = [target, source].find((path) => existsSync(join(root, path)));
  if (target.startsWith('..')) return offend(file, line, `import leaves the project: ${name}`);
  if (found === undefined) return offend(file, line, `no such file: ${name}`);
  const [from, to] = [roomOf(file), roomOf(target)];
  if (!ROOMS.includes(to)) return to.endsWith('.json') || from === 'test' ? undefined : offend(file, line, `${to} is no room`);
  if (from !== to && rankOf(to) >= rankOf(from) && !BESIDE.some((step) => file.startsWith(step.from) && to === step.to)) {
    offend(file, line, `${from} must not import ${to}`);
  }
  return found;
}

function checkOutside(file, line, name, typeOnly) {
  const room = roomOf(file);
  if (name.startsWith('node:')) {
    if (BROWSER.some((pattern) => pattern.test(file))) offend(file, line, `${name} does not exist in a browser`);
    return;
  }
  const parts = name.split('/');
  const pack = name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  if (PURE[room] !== undefined && !PURE[room].includes(pack)) return offend(file, line, `${room} must not import ${pack}`);
  const places = PACKAGES[pack];
  const anywhere = DOORS.includes(pack) ? BESIDE_DOORS : TOOLS;
  if (places === undefined || typeOnly || anywhere.includes(room)) return;
  if (!places.some((place) => file.startsWith(place))) offend(file, line, `${pack} belongs to ${places.join(', ') || anywhere.join(', ')}`);
}

/** The innermost room that holds a path. */
function roomOf(path) {
  return ROOMS.find((room) => room.includes('/') && path.startsWith(`${room}/`)) ?? path.split('/')[0];
}

function rankOf(room) {
  return RANKS.findIndex((rank) => rank.includes(room));
}

/** Strongly connected groups of more than one file (Tarjan), and files that import themselves. */
function cycles(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(file, Math.min(low.get(file), low.get(next)));
      } else if (stack.includes(next)) low.set(file, Math.min(low.get(file), index.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || (edges.get(file) ?? []).includes(file)) found.push(group);
  };
  for (const file of edges.keys()) if (!index.has(file)) visit(file);
  return found;
}
