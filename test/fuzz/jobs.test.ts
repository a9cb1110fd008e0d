/** What the farm carries: sealed jobs, witnesses inside them, job and result payloads, announcements, rosters. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { openJob, type SealedJob } from '../../protocol/seal.js';
import { verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { checkTransferWitness, decodeTransferWitness, encodeTransferWitness } from '../../protocol/transfer.js';
import { openTransfer } from '../../prover/openTransfer.js';
import { ownUpdate } from '../../prover/updateJob.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { isGenuine, type WorkerAnnouncement } from '../../queue/announce.js';
import { checkAnswer } from '../../queue/answers.js';
import { parseFarmAnswer, parseFarmJob, parseFarmProgress } from '../../queue/contracts.js';
import { isGenuineRefusal } from '../../queue/refusal.js';
import { makeRoster, signRoster, verifyRoster } from '../../queue/roster.js';
import { parseSubmission } from '../../queue/shapes.js';
import { DOMAIN, NOBODY, ROSTER_ID, sealedTransfer, transferJob, updateJob } from '../prover/farmSupport.js';
import { COSTLY_CASES, FUZZ_TEST_MS, fuzz, fuzzAsync, refusedOr, spoiledBytes, spoiledJson, spoiledJsonText } from './fuzz.js';

const NOW = 1_800_000_000;
const keys = WorkerKeys.inMemory(NOW);
const { sealed, witness, id } = sealedTransfer('fuzz', [keys], { expiry: NOW + 60 });
const text = encodeTransferWitness(witness);
const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('sealed jobs', () => {
  it(
    'open as they were sealed, or do not open',
    () => {
      const context = { domain: DOMAIN, recordHash: id, rosterId: ROSTER_ID, expiry: NOW + 60 };
      fuzz(spoiledJson(fc.constant(sealed)), (job) => {
        const secret = keys.sealSecrets[0] as Uint8Array;
        const plain = refusedOr(() => openJob(job as SealedJob, secret, keys.address, context, NOW));
        if (plain !== undefined && new TextDecoder().decode(plain) !== text) throw new Error('another plaintext');
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'give a worker a true witness of their record, or a code',
    () => {
      fuzz(
        spoiledJson(fc.constant(sealed)),
        (job) => {
          const opened = refusedOr(() =>
            openTransfer(
              parseFarmJob({ ...transferJob('fuzz', sealed), sealed: [job] }).kind === 'transfer' ? (job as SealedJob) : sealed,
              keys,
              DOMAIN,
              NOW,
            ),
          );
          if (opened !== undefined && encodeTransferWitness(opened) !== text) throw new Error('another witness');
        },
        [],
        COSTLY_CASES,
      );
    },
    FUZZ_TEST_MS,
  );
});

describe('witnesses', () => {
  it(
    'have one spelling; a false one is refused by the number of its statement',
    () => {
      fuzz(
        spoiledJsonText(fc.constant(JSON.parse(text))),
        (spoiled) => {
          const decoded = refusedOr(() => decodeTransferWitness(spoiled));
          if (decoded === undefined) return;
          const again = encodeTransferWitness(decoded);
          if (JSON.stringify(sorted(JSON.parse(again))) !== JSON.stringify(sorted(JSON.parse(spoiled))))
            throw new Error('two spellings of one witness');
          const holds = refusedOr(() => checkTransferWitness(decoded, DOMAIN) ?? true);
          if (holds !== undefined && again !== text) throw new Error('a spoiled witness is found true');
        },
        [],
        COSTLY_CASES,
      );
    },
    FUZZ_TEST_MS,
  );
});

describe('payloads in Redis', () => {
  it(
    'jobs',
    () => {
      const valid = fc.constantFrom<unknown>(transferJob('fuzz', sealed), updateJob('fuzz'));
      fuzz(
        spoiledJson(valid),
        (value) => {
          const job = refusedOr(() => parseFarmJob(value));
          if (job?.kind === 'update') refusedOr(() => ownUpdate(job, NOBODY, DOMAIN));
        },
        [{ ...updateJob('odd'), input: JSON.parse('{"__proto__":"1"}') }],
      );
    },
    FUZZ_TEST_MS,
  );

  it('a job nested so deeply that a recursive reader falls over is malformed', () => {
    expect(() => parseFarmJob({ ...updateJob('deep'), input: { cm: deep(100_000) } })).toThrow(
      expect.objectContaining({ code: 'JOB_MALFORMED' }),
    );
  });

  it(
    'results, progress, submissions',
    () => {
      const result = {
        circuit: 'transfer_1',
        proof: `0x${'11'.repeat(256)}`,
        h: `0x${'22'.repeat(32)}`,
        prover: NOBODY,
        anchor: `0x${'33'.repeat(32)}`,
        provingMs: 5,
      };
      const refusal = { worker: NOBODY, refused: [{ index: 0, code: 'TRANSFER_T5' }], signature: `0x${'44'.repeat(64)}1b` };
      fuzz(spoiledJson(fc.constantFrom<unknown>(result, refusal)), (value) => {
        const answer = refusedOr(() => parseFarmAnswer(value));
        if (answer !== undefined && 'refused' in answer && isGenuineRefusal({ id: 'transfer-fuzz', sealed: [sealed] }, answer, DOMAIN))
          throw new Error('a forged refusal');
      });
      fuzz(spoiledJson(fc.constant({ stage: 'checked', worker: NOBODY })), (value) => void parseFarmProgress(value));
      const submission = { id, record: `0x${'11'.repeat(231)}`, sealed };
      fuzz(spoiledJson(fc.constant(submission)), (value) => void refusedOr(() => parseSubmission(value)));
    },
    FUZZ_TEST_MS,
  );
});

describe('signed statements', () => {
  const operatorKey = new Uint8Array(32).fill(9);
  const operator = evmAddressOfKey(operatorKey);
  it(
    'a roster is the operator’s or refused',
    async () => {
      const roster = await signRoster(
        makeRoster([{ address: keys.address, sealKey: keys.sealKey.publicKey }], NOW + 60, DOMAIN),
        DOMAIN,
        signerFromKey(operatorKey),
      );
      const original = JSON.stringify(roster);
      fuzz(
        spoiledJson(fc.constant(roster)),
        (value) => {
          const accepted = refusedOr(() => {
            verifyRoster(checkAnswer('roster', value), DOMAIN, operator, NOW);
            return true;
          });
          if (accepted && lowered(JSON.stringify(value)) !== lowered(original) && !superset(value, roster))
            throw new Error('another roster was accepted');
        },
        [null, { ...roster, workers: null }],
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'an announcement is genuine or not, and a confirmation signed or not',
    async () => {
      const announcement = {
        address: keys.address,
        sealKey: keys.sealKey.publicKey,
        lanes: ['transfer_1'],
        sealKeyUntil: NOW,
        signature: `0x${'11'.repeat(64)}1b`,
      };
      fuzz(spoiledJson(fc.constant(announcement)), (value) => {
        if (isGenuine(value as WorkerAnnouncement, DOMAIN)) throw new Error('a forged announcement');
      });
      const confirmation = { recordHash: id, sequence: 1, sealedIndex: 0, signature: announcement.signature };
      fuzz(spoiledJson(fc.constant(confirmation)), (value) => {
        const signed = refusedOr(() => {
          const answer = checkAnswer('status', { id, status: 'confirmed', times: {}, confirmation: value });
          if (answer.confirmation !== undefined) verifySoftConfirmation(answer.confirmation, DOMAIN, operator);
          return answer.confirmation !== undefined;
        });
        if (signed) throw new Error('a forged confirmation');
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('plaintexts that a payer has sealed', () => {
  it(
    'bytes that are no witness are refused by the worker',
    async () => {
      await fuzzAsync(spoiledBytes(fc.constant(new TextEncoder().encode(text))), async (bytes) => {
        refusedOr(() => decodeTransferWitness(new TextDecoder().decode(bytes)));
      });
    },
    FUZZ_TEST_MS,
  );
});

const lowered = (value: string): string => value.toLowerCase();
/** The same members, and perhaps others that nobody reads. */
const superset = (value: unknown, base: object): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(base).every(
    ([key, member]) =>
      lowered(JSON.stringify((value as Record<string, unknown>)[key])) === lowered(JSON.stringify(member)) || Array.isArray(member),
  );

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.toLowerCase() : value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
