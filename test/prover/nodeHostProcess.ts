/**
 * A whole node on a host of its own, with chain and contract: REDIS_URL, folder. Tells its parent the domain, who has which
 * transfer in hand, and at the end what the chain says; the parent tells it when to go on.
 */
import { startNode } from '../../aggregator/node.js';
import { depositNotes, openScene, sceneTransfer } from '../../bench/gasScene.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { verifyFold } from '../../protocol/fold.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { sealJob } from '../../protocol/seal.js';
import { encodeTransferWitness } from '../../protocol/transfer.js';
import { FarmQueue } from '../../queue/farm.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { decodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { hex } from '../aggregator/simulatedFarm.js';
import { auditedReplay, statusNow, until, type World } from '../aggregator/world.js';

export const NODE_LANES = ['transfer_1', 'update_2'] as const;
export type NodeHostNews =
  | { domain: { chainId: string; contract: string } }
  | { inHand: string; transfer: number }
  | { settled: { id: string; prover: string | undefined }[]; onChain: string[] };

const LIMIT_MS = 300_000;
const NOTES = 2;

async function main(redisUrl: string, folder: string): Promise<void> {
  const tell = (news: NodeHostNews): void => void process.send?.(news);
  const scene = await openScene(() => {}, { circuits: NODE_LANES, deposits: 'update_2' });
  const { domain, rollup, anvil } = scene;
  const keys = decodeKeyBlob(await rollup.keyBlob());
  tell({ domain: { chainId: String(domain.chainId), contract: domain.contract } });
  const node = await startNode({
    domain,
    network: 'dev',
    deploymentBlock: (await rollup.config()).deploymentBlock,
    rpcUrl: anvil.rpcUrl,
    redisUrl,
    journalDir: `${folder}/journal`,
    settlerKey: anvil.accounts[0]?.privateKey as string,
    keys,
    assets: [{ id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 }],
    policy: { updateCircuits: ['update_2'], sealAfterMs: 500, settleAfterMs: 500 },
  });
  const farm = await FarmQueue.open({ redisUrl, domain, lanes: ['transfer_1'] });
  let transfer = 0;
  await farm.onEvent(({ progress }) => {
    if (progress !== undefined) tell({ inHand: progress.worker, transfer });
  });
  await depositNotes(scene, NOTES);
  await until(
    () => rollup.state(),
    ({ queueHead }) => queueHead === NOTES,
    'deposits in the rollup',
    LIMIT_MS,
  );
  const client = new GatewayClient(node.url);
  const roster = await until(
    () => client.roster(),
    ({ workers }) => workers.length === 2,
    'two workers',
    LIMIT_MS,
  );
  const { state } = await auditedReplay({ rollup, provider: rollup.provider as World['provider'] });
  const settled: { id: string; prover: string | undefined }[] = [];
  for (; transfer < NOTES; transfer++) {
    const witness = sceneTransfer(scene, transfer, state);
    const id = recordHash(witness.record, domain);
    const sealed = sealJob(new TextEncoder().encode(encodeTransferWitness(witness)), {
      domain,
      recordHash: id,
      rosterId: roster.id,
      expiry: roster.expires,
      recipients: roster.workers,
    });
    await client.submit({ id, record: bytesToHex(encodeRecord(witness.record)), sealed, anchor: hex(witness.anchor) });
    const { prover } = await until(
      () => statusNow(client, id),
      ({ status }) => status === 'settled',
      `settled: ${transfer}`,
      LIMIT_MS,
    );
    settled.push({ id, prover });
  }
  const replay = await auditedReplay({ rollup, provider: rollup.provider as World['provider'] });
  for (const { statements } of replay.settlements) verifyFold(keys, statements.items);
  const records = replay.settlements.flatMap(({ settlement }) => settlement.transfers.flatMap((entry) => entry.records));
  tell({ settled, onChain: records.map((record) => recordHash(record, domain)) });
  await farm.close();
  await node.stop();
  await scene.close();
  process.disconnect();
}

if (process.argv[1]?.endsWith('nodeHostProcess.js') === true) await main(process.env.REDIS_URL ?? '', process.argv[2] ?? '');
