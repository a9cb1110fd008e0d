/**
 * Soft confirmations in files, held against L1 or an archive of it: each by itself, and every two against one another.
 *
 * A file is the JSON of a confirmation, or what a node answers about a transfer, which has it as `confirmation`. A `record`
 * beside it, the packed bytes as hexadecimal text, lets a rival be seen (confirmation.ts).
 *
 *   kept        every promise is honoured, or superseded: nobody's lie
 *   broken      one is broken, or two contradict one another
 *   undecided   something is still pending, or could not be checked
 */
import { z } from 'zod';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { SignedSoftConfirmation } from '../protocol/softConfirmation.js';
import { hexBytes } from '../verifier-contract/jsonFile.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type History, parseArchive } from './archive.js';
import type { OnProgress } from './audit.js';
import { collectHistory } from './collect.js';
import {
  type ConfirmationReport,
  type ConfirmationVerdict,
  confirmationSchema,
  domainOf,
  judgeAgainst,
  judgePair,
  readSettled,
} from './confirmation.js';
import { readText } from './offline.js';

export interface ConfirmationFile {
  readonly file: string;
  readonly confirmation: SignedSoftConfirmation;
  readonly record?: Hex;
}

/** Where L1 is read: an archive, or an RPC and a contract. */
export type ConfirmationSource =
  | { readonly archive: string }
  | { readonly rpcUrl: string; readonly contract: EvmAddress; readonly fromBlock?: number };

/** One promise, or two held against one another. */
export interface JudgedConfirmation extends ConfirmationReport {
  readonly files: readonly string[];
}

export interface ConfirmationsReport {
  readonly verdict: 'kept' | 'broken' | 'undecided';
  readonly chainId: string;
  readonly contract: EvmAddress;
  /** Who signs for the rollup, as the contract says. */
  readonly operator: EvmAddress;
  readonly toBlock: number;
  readonly toBlockHash: Hex;
  readonly promises: readonly (JudgedConfirmation & SignedSoftConfirmation)[];
  /** Only those that contradict one another. */
  readonly contradictions: readonly JudgedConfirmation[];
}

const answerSchema = z.looseObject({ confirmation: confirmationSchema, record: hexBytes.optional() });

/** @throws TacitError FILE_UNREADABLE, CONFIRMATION_FORMAT */
export async function readConfirmationFile(file: string): Promise<ConfirmationFile> {
  const text = await readText(file);
  const refused = (cause: unknown): TacitError =>
    new TacitError('CONFIRMATION_FORMAT', 'this file holds no soft confirmation', {
      expected: 'recordHash, sequence, sealedIndex, signature, by themselves or under "confirmation"',
      got: file,
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(cause);
  }
  const alone = confirmationSchema.safeParse(value);
  if (alone.success) return { file, confirmation: alone.data };
  const answer = answerSchema.safeParse(value);
  if (!answer.success) throw refused(answer.error);
  const { confirmation, record } = answer.data;
  return { file, confirmation, ...(record === undefined ? {} : { record }) };
}

/** @throws TacitError as parseArchive, or where the RPC does not give what is needed: nothing can be said then */
export async function judgeConfirmationFiles(
  files: readonly ConfirmationFile[],
  source: ConfirmationSource,
  onProgress: OnProgress = () => {},
): Promise<ConfirmationsReport> {
  const history = await historyOf(source, onProgress);
  const settled = readSettled(history, onProgress);
  const operator = history.parameters.aggregator;
  const promises = files.map(({ file, confirmation, record }) => ({
    ...confirmation,
    ...judged([file], () => judgeAgainst(settled, history, confirmation, record)),
  }));
  const contradictions = files.flatMap((a, i) =>
    files.slice(i + 1).map((b) => judged([a.file, b.file], () => judgePair(a.confirmation, b.confirmation, domainOf(history), operator))),
  );
  const verdicts = new Set<ConfirmationVerdict>([...promises, ...contradictions.filter(isBroken)].map(({ verdict }) => verdict));
  const { chainId, contract, toBlock, toBlockHash } = history;
  return {
    verdict: verdicts.has('broken') ? 'broken' : verdicts.has('pending') || verdicts.has('undecided') ? 'undecided' : 'kept',
    ...{ chainId, contract, operator, toBlock, toBlockHash },
    promises,
    contradictions: contradictions.filter(isBroken),
  };
}

const isBroken = ({ verdict }: ConfirmationReport): boolean => verdict === 'broken';

async function historyOf(source: ConfirmationSource, onProgress: OnProgress): Promise<History> {
  if ('archive' in source) return parseArchive(await readText(source.archive));
  const reader = await openRpc(source.rpcUrl);
  try {
    return await collectHistory(reader, assertEvmAddress(source.contract.toLowerCase(), 'contract'), source.fromBlock, onProgress);
  } finally {
    reader.destroy();
  }
}

/** What is not the operator's word, or is about another record, says nothing about it. */
function judged(files: readonly string[], judge: () => ConfirmationReport): JudgedConfirmation {
  try {
    return { files, ...judge() };
  } catch (error) {
    if (!isTacitError(error)) throw error;
    return { files, verdict: 'undecided', code: error.code, reason: error.message, findings: [] };
  }
}
