/** Files of the project's own that somebody else may have written: wallets, their caches, worker keys, secrets, archives, batches. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, encodeArchive, parseArchive } from '../../auditor/archive.js';
import { auditEvidence } from '../../auditor/audit.js';
import { verifyBatch } from '../../auditor/batch.js';
import { findingText } from '../../auditor/finding.js';
import { readSecret } from '../../cli/prompt.js';
import { readKeyFile } from '../../cli/secretFile.js';
import { ChainState } from '../../client/chainState.js';
import { decodeState, encodeState, type WalletState } from '../../client/state.js';
import { WalletFile } from '../../client/walletFile.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { publicInputsOf } from '../../protocol/fingerprint.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { encodeBatchFile } from '../../verifier-contract/batchFile.js';
import { encodeKeyBlob, keyBlobHash } from '../../verifier-contract/keyBlob.js';
import { DOMAIN } from '../protocol/arbitraries.js';
import { syntheticKeys } from '../verifier-contract/syntheticKeys.js';
import {
  COSTLY_CASES,
  FUZZ_TEST_MS,
  fuzz,
  fuzzAsync,
  refusedOr,
  refusedOrLater,
  spoiledJson,
  spoiledJsonText,
  spoiledText,
} from './fuzz.js';

const CHEAP = { N: 2, r: 1, p: 1 };
const PASSPHRASE = 'fuzz';
const word = (digit: string): string => `0x${digit.repeat(64)}`;
let dir = '';
const path = (name: string): string => join(dir, name);
const secretFile = (name: string, text: string): string => {
  writeFileSync(path(name), text, { mode: 0o600 });
  chmodSync(path(name), 0o600);
  return path(name);
};
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-fuzz-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const state: WalletState = {
  network: 'dev',
  chainId: '31337',
  contract: `0x${'c0'.repeat(20)}`,
  deploymentBlock: 1,
  seed: `0x${'07'.repeat(64)}`,
  addresses: 1,
  restored: false,
  cursor: undefined,
  notes: [],
  transfers: [],
  deposits: [],
};

describe('wallet files', () => {
  it(
    'open as they were saved, or are refused; the lock is given back either way',
    async () => {
      const file = await WalletFile.create(path('w'), PASSPHRASE, 'the contents', CHEAP);
      await file.close();
      const envelope = JSON.parse(readFileSync(path('w'), 'utf8')) as { kdf: object };
      const slow = JSON.stringify({ ...envelope, kdf: { ...envelope.kdf, p: 2 ** 29 } });
      const large = JSON.stringify({ ...envelope, kdf: { ...envelope.kdf, N: 2, r: 2 ** 22, p: 2 ** 22 } });
      await fuzzAsync(
        spoiledJsonText(fc.constant(envelope)),
        async (text) => {
          writeFileSync(path('w'), text, { mode: 0o600 });
          const opened = await refusedOrLater(() => WalletFile.open(path('w'), PASSPHRASE));
          if (opened === undefined) return;
          await opened.file.close();
          if (opened.contents !== 'the contents') throw new Error('a spoiled wallet opened');
        },
        [slow, large],
      );
      writeFileSync(path('w'), JSON.stringify(envelope), { mode: 0o600 });
      await (await WalletFile.open(path('w'), PASSPHRASE)).file.close();
    },
    FUZZ_TEST_MS,
  );

  it(
    'contents are read or refused',
    () => {
      fuzz(spoiledJsonText(fc.constant(JSON.parse(encodeState(state)))), (text) => void refusedOr(() => decodeState(text)));
    },
    FUZZ_TEST_MS,
  );

  it(
    'a cache of the chain is read or forgotten',
    () => {
      const cache = {
        cursor: { block: 3, blockHash: word('a') },
        queueHead: 1,
        assets: [`0x${'00'.repeat(20)}`],
        batches: [['4', `0x${'00'.repeat(31)}01${'00'.repeat(96)}`]],
        waiting: [[1, { kind: 'dropped' }]],
      };
      fuzz(spoiledJsonText(fc.constant(cache)), (text) => void ChainState.decode(text)?.encode());
    },
    FUZZ_TEST_MS,
  );
});

describe('keys and secrets', () => {
  it(
    'worker keys',
    async () => {
      await WorkerKeys.load(path('worker.json'), 1_000);
      const keys: unknown = JSON.parse(readFileSync(path('worker.json'), 'utf8'));
      await fuzzAsync(spoiledJsonText(fc.constant(keys)), async (text) => {
        const loaded = await refusedOrLater(() => WorkerKeys.load(secretFile('worker.json', text), 1_000));
        if (loaded !== undefined) void [loaded.address, loaded.sealKey, loaded.sealSecrets];
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'private keys and passphrases; a refusal does not repeat them',
    async () => {
      const key = word('5');
      await fuzzAsync(spoiledText(fc.constant(key)), async (text) => {
        const file = secretFile('key', text);
        try {
          readKeyFile(file);
        } catch (error) {
          refusedOr(() => {
            throw error;
          });
          expect(String(error)).not.toContain('5555');
        }
        await refusedOrLater(() => readSecret('passphrase', file, '--passphrase-file'));
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('archives', () => {
  const table = syntheticKeys(['transfer_1', 'update_2']).table;
  const keys = bytesToHex(encodeKeyBlob(table));
  const at = (block: number) => ({ block, timeSeconds: block, tx: word('1'), logIndex: 0 });
  const archive = {
    format: 'tacit-archive',
    version: 1,
    chainId: '31337',
    contract: DOMAIN.contract,
    deploymentBlock: 1,
    fromBlock: 1,
    toBlock: 9,
    toBlockHash: word('2'),
    parameters: {
      aggregator: `0x${'01'.repeat(20)}`,
      queueDelaySeconds: 60,
      slotFeeWei: '1',
      bondWei: '2',
      dropRewardWei: '1',
      transferProverBps: 1,
      updateProverBps: 2,
      circuitsHash: word('3'),
      keysHash: keyBlobHash(encodeKeyBlob(table)),
    },
    keys,
    events: [
      { kind: 'asset', ...at(2), id: 1, token: `0x${'02'.repeat(20)}` },
      {
        kind: 'deposit',
        ...at(3),
        item: 0,
        asset: 0,
        value: '5',
        owner: word('0'),
        commitment: word('4'),
        ephemeral: word('5'),
        ciphertext: word('6'),
      },
      {
        kind: 'forced',
        ...at(4),
        item: 1,
        record: '0x00',
        prover: `0x${'03'.repeat(20)}`,
        refund: `0x${'04'.repeat(20)}`,
        anchor: word('0'),
        h: word('0'),
        proof: '0x00',
      },
      { kind: 'dropped', ...at(5), item: 1, rewarded: `0x${'03'.repeat(20)}` },
      {
        kind: 'settled',
        ...at(6),
        ordinal: 0,
        noteRoot: word('0'),
        nullifierRoot: word('0'),
        leafCount: 4,
        queueHead: 1,
        sender: `0x${'01'.repeat(20)}`,
        calldata: '0x1234',
      },
    ],
    state: {
      noteRoot: word('0'),
      nullifierRoot: word('0'),
      leafCount: 1,
      settlementCount: 0,
      queueHead: 0,
      queueTail: 0,
      roots: [],
      credits: [],
      balances: [],
    },
  } as Archive;

  it(
    'have one spelling, and every one that parses gets a verdict with reasons',
    () => {
      const text = encodeArchive(archive);
      fuzz(
        fc.oneof(
          spoiledJsonText(fc.constant(archive)),
          spoiledJson(fc.constant(archive)).map((value) => `${JSON.stringify(value)}\n`),
        ),
        (spoiled) => {
          const parsed = refusedOr(() => parseArchive(spoiled));
          if (parsed === undefined) return;
          if (encodeArchive(parsed) !== spoiled) throw new Error('two spellings of one archive');
          const report = auditEvidence(parsed);
          if (report.verdict !== 'valid' && report.findings.length === 0) throw new Error('a verdict without a reason');
          report.findings.map(findingText);
        },
        [text],
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'a batch file gets a verdict or is refused',
    () => {
      const list = Array.from({ length: 11 }, (_, i) => BigInt(i));
      const publicInputs = publicInputsOf(CIRCUITS.transfer_1.id, 7n, list, DOMAIN);
      const proof = { a: { x: 1n, y: 2n }, b: { x: [0n, 0n], y: [0n, 0n] }, c: { x: 1n, y: 2n } } as const;
      const batch: unknown = JSON.parse(
        encodeBatchFile(DOMAIN, table, [{ circuitId: CIRCUITS.transfer_1.id, publicInputs, proof }], [list]),
      );
      fuzz(
        spoiledJsonText(fc.constant(batch)),
        (text) => {
          const report = refusedOr(() => verifyBatch(text));
          if (report?.valid === true) throw new Error('a batch without a valid proof was found valid');
          if (report !== undefined && report.reason === undefined) throw new Error('a verdict without a reason');
        },
        [],
        COSTLY_CASES,
      );
    },
    FUZZ_TEST_MS,
  );
});
