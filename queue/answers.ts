/**
 * What a node answers, looked at before a wallet uses it: members present, of their kind, numbers in range. Whether an answer
 * is true is another matter (signatures, chain); here a lying or broken node becomes an error with a name instead of a
 * crash somewhere behind. Members that are not used may be anything.
 */
import { shown, TacitError } from '../protocol/errors.js';
import type { FeeQuote, LeafPage, NodeInfo, SignedRoster, TransferStatus } from './service.js';

type Check = (value: unknown) => boolean;

const MAX_TEXT_CHARACTERS = 2_000;
/** 2^128 − 1 has 39 digits. */
const decimal: Check = (value) => typeof value === 'string' && /^(0|[1-9][0-9]{0,38})$/.test(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS;
const hex =
  (sizeBytes: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === 2 + 2 * sizeBytes && /^0x[0-9a-f]*$/i.test(value);
const [word, address] = [hex(32), hex(20)];
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const perhaps =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]));

const confirmation: Check = members({ recordHash: word, sequence: count, sealedIndex: count, signature: hex(65) });
const STAGES: ReadonlySet<unknown> = new Set(['queued', 'proving', 'reseal', 'proven', 'confirmed', 'sealed', 'settled', 'failed']);
const SHAPES = {
  info: {
    chainId: count,
    contract: address,
    operator: address,
    confirmationDepth: count,
    deploymentBlock: count,
    assets: listOf(members({ id: count, token: address, symbol: text, decimals: count })),
  },
  quote: {
    asset: count,
    feeProven: decimal,
    feeSealed: decimal,
    validUntil: count,
    withdrawals: members({ native: decimal, token: decimal }),
  },
  roster: { id: word, expires: count, workers: listOf(members({ address, sealKey: word })), signature: hex(65) },
  'leaf page': { page: count, leaves: listOf(word), root: word, complete: (value: unknown) => typeof value === 'boolean' },
  status: {
    id: word,
    status: (value: unknown) => STAGES.has(value),
    times: isObject,
    confirmation: perhaps(confirmation),
    position: perhaps(decimal),
    settlementTx: perhaps(word),
    settlementBlock: perhaps(count),
    reason: perhaps(text),
    prover: perhaps(address),
  },
} as const satisfies Record<string, Readonly<Record<string, Check>>>;

interface Answers {
  info: NodeInfo;
  quote: FeeQuote;
  roster: SignedRoster;
  'leaf page': LeafPage;
  status: TransferStatus;
}

/** @throws TacitError NODE_ANSWER naming the first member that is wrong */
export function checkAnswer<K extends keyof Answers>(kind: K, value: unknown): Answers[K] {
  const object = isObject(value) ? value : undefined;
  const wrong = object === undefined ? 'the whole' : Object.entries<Check>(SHAPES[kind]).find(([name, check]) => !check(object[name]))?.[0];
  if (wrong === undefined) return value as Answers[K];
  throw new TacitError('NODE_ANSWER', `the node’s ${kind} is malformed at ${wrong}`, { got: shown(object?.[wrong]) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
