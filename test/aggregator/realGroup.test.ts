/**
 * The test of record for shared proofs: a real node, Redis, chain and worker, real keys of transfer(8) and update(8). Nine
 * notes are paid in; nine transfers are sealed, one of them false; the false one is named and set aside, the other eight are
 * proven in one proof and settled, and the auditor's replay verifies every proof from L1 alone.
 *
 * It builds and proves for minutes where nothing is cached: TACIT_LONG=1 runs it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningNode, startNode } from '../../aggregator/node.js';
import { depositNotes, openScene, type Scene, sceneTransfer } from '../../bench/gasScene.js';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { verifyFold } from '../../protocol/fold.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { sealJob } from '../../protocol/seal.js';
import { encodeTransferWitness, type TransferWitness } from '../../protocol/transfer.js';
import { type RunningWorker, startWorker } from '../../prover/worker.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import type { SignedRoster, Submission } from '../../queue/service.js';
import { decodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { hex } from './simulatedFarm.js';
import { auditedReplay, statusNow, until, type World } from './world.js';

const LANES = ['transfer_1', 'transfer_8', 'update_8'] as const;
const NOTES = 9;
const FALSE = 4;
const LIMIT_MS = 300_000;

describe.skipIf(process.env.TACIT_LONG !== '1')('a group with real proofs', () => {
  let scene: Scene;
  let redis: RunningRedis;
  let node: RunningNode;
  let worker: RunningWorker;
  let scratch: string;
  const lines: string[] = [];

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'tacit-group-'));
    scene = await openScene(() => {}, { circuits: LANES, deposits: 'update_8' });
    redis = await startRedis({ url: '', dir: join(scratch, 'redis') });
    const keys = WorkerKeys.inMemory(Math.floor(Date.now() / 1000));
    worker = await startWorker({
      leases: await openBullLeases({ redisUrl: redis.url, domain: scene.domain, lanes: LANES, name: keys.address, worker: keys.address }),
      domain: scene.domain,
      keys,
      lanes: LANES,
      artifacts: resolveArtifacts,
      log: (line) => lines.push(line),
    });
    const { deploymentBlock } = await scene.rollup.config();
    node = await startNode({
      domain: scene.domain,
      network: 'dev',
      deploymentBlock,
      rpcUrl: scene.anvil.rpcUrl,
      redisUrl: redis.url,
      journalDir: join(scratch, 'journal'),
      settlerKey: scene.anvil.accounts[0]?.privateKey as string,
      keys: decodeKeyBlob(await scene.rollup.keyBlob()),
      assets: [{ id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 }],
      policy: { updateCircuits: ['update_8'], sealAfterMs: 5_000, settleAfterMs: 500, groupAfterMs: 600_000 },
      log: (line) => lines.push(line),
    });
  }, LIMIT_MS);
  afterAll(async () => {
    if (process.env.SHOW_LINES) console.log(lines.join('\n'));
    await node?.stop();
    await worker?.stop();
    await redis?.stop();
    await scene?.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const replayed = () => auditedReplay({ rollup: scene.rollup, provider: scene.rollup.provider as World['provider'] });
  const submission = (witness: TransferWitness, roster: SignedRoster): Submission => {
    const id = recordHash(witness.record, scene.domain);
    const plaintext = new TextEncoder().encode(encodeTransferWitness(witness));
    const context = { domain: scene.domain, recordHash: id, rosterId: roster.id, expiry: roster.expires, recipients: roster.workers };
    return { id, record: bytesToHex(encodeRecord(witness.record)), sealed: sealJob(plaintext, context), anchor: hex(witness.anchor) };
  };

  it(
    'sets the false one aside and settles the others under one proof',
    async () => {
      const client = new GatewayClient(node.url);
      await depositNotes(scene, NOTES);
      await until(
        () => scene.rollup.state(),
        ({ queueHead }) => queueHead === NOTES,
        'deposits in the rollup',
        LIMIT_MS,
      );
      const { state } = await replayed();
      const roster = await client.roster();
      const witnesses = Array.from({ length: NOTES }, (_, i) => sceneTransfer(scene, i, state));
      const spoilt = witnesses[FALSE] as TransferWitness;
      witnesses[FALSE] = { ...spoilt, outputs: [spoilt.outputs[1], spoilt.outputs[0]] };
      const submissions = witnesses.map((witness) => submission(witness, roster));
      for (const entry of submissions) await client.submit(entry);
      const honest = submissions.filter((_, i) => i !== FALSE);
      const statuses = await Promise.all(
        honest.map(({ id }) =>
          until(
            () => statusNow(client, id),
            ({ status }) => status === 'settled',
            'settled',
            LIMIT_MS,
          ),
        ),
      );
      expect(statuses.every(({ prover }) => prover === worker.address)).toBe(true);
      expect(lines.join('\n')).toContain(`${FALSE} is set aside (TRANSFER_T6)`);
      const refused = await until(
        () => statusNow(client, submissions[FALSE]?.id as string),
        ({ status }) => status === 'reseal',
        'given back',
        LIMIT_MS,
      );
      expect(refused.reason).toBe('RESEAL: TRANSFER_T6');
      const replay = await replayed();
      const keys = decodeKeyBlob(await scene.rollup.keyBlob());
      for (const { statements } of replay.settlements) verifyFold(keys, statements.items);
      const last = replay.settlements.at(-1)?.settlement;
      expect(last?.transfers.map(({ records, prover }) => [records.length, prover])).toEqual([[8, worker.address]]);
      // The worker's share of eight fees, in the contract.
      expect(await scene.rollup.credits(worker.address, 0)).toBeGreaterThan(0n);
    },
    LIMIT_MS * 2,
  );
});
