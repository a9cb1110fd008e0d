/** Groups on a running node: real queue, contract and verification; the farm is simulated. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NodePolicy } from '../../aggregator/config.js';
import type { RunningNode } from '../../aggregator/node.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { decodeProof } from '../../protocol/proof.js';
import { encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { AnnouncementBoard } from '../../queue/announce.js';
import { PassOn } from '../../queue/farmWorker.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { SignedRoster, Submission } from '../../queue/service.js';
import { hex, homeProof, type SimulatedWorker, type SimulatedWorkerOptions, sealForSimulated } from './simulatedFarm.js';
import { auditedReplay, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

const LANES = ['transfer_1', 'transfer_8', 'update_8', 'update_32'] as const;
const POLICY: Partial<NodePolicy> = { updateCircuits: ['update_8', 'update_32'], groupAfterMs: 60_000, sealAfterMs: 300 };
/** Liars have names of their own: what they are charged stays with them from test to test. */
const [LIAR_KEY, DENIER_KEY] = [new Uint8Array(32).fill(0x71), new Uint8Array(32).fill(0x72)];
const TWIN_KEYS = [new Uint8Array(32).fill(0x73), new Uint8Array(32).fill(0x74)];
/** Generous: the machine may be busy. */
const LIMIT_MS = 150_000;
let world: World;
let node: RunningNode;
let client: GatewayClient;
const workers: SimulatedWorker[] = [];
let next = 1;

beforeAll(async () => {
  world = await makeWorld();
}, 180_000);
afterEach(async () => {
  // A liar that stopped would stand on the board until its line runs out, and later tests would wait for that.
  const board = new AnnouncementBoard(world.redis.url, world.domain);
  for (const key of [LIAR_KEY, DENIER_KEY, ...TWIN_KEYS]) await board.withdraw(evmAddressOfKey(key));
  board.close();
  await node.stop();
  for (const worker of workers.splice(0)) await worker.stop();
  if (process.env.SHOW_LINES) console.log(world.lines.splice(0).join('\n'));
});
afterAll(() => world.stop(), 60_000);

async function open(policy: Partial<NodePolicy>, options: Partial<SimulatedWorkerOptions>[] = [{}]): Promise<SignedRoster> {
  node = await world.start({ ...POLICY, ...policy });
  client = new GatewayClient(node.url);
  for (const [i, option] of options.entries()) workers.push(await world.worker({ lanes: LANES, ...option }, 3 + i));
  return until(
    () => client.roster(),
    (roster) => roster.workers.length === options.length,
    'all workers in the roster',
  );
}

const fresh = (count: number): TransferRecord[] => Array.from({ length: count }, () => recordOf(next++));
const idOf = (record: TransferRecord): string => recordHash(record, world.domain);
const anchorNow = async (): Promise<bigint> => (await world.rollup.state()).noteRoot;
const sealed = (record: TransferRecord, anchor: bigint, roster: SignedRoster, inside = record): Submission => ({
  id: idOf(record),
  record: bytesToHex(encodeRecord(record)),
  sealed: sealForSimulated(record, anchor, roster, world.domain, inside),
  anchor: hex(anchor),
});
const settledAll = (records: readonly TransferRecord[]) =>
  Promise.all(
    records.map((record) =>
      until(
        () => statusNow(client, idOf(record)),
        ({ status }) => status === 'settled' || status === 'failed',
        'settled',
        LIMIT_MS,
      ),
    ),
  );
/** Kinds of proofs of the last settlement, in order: records a proof, then slots an update. */
async function lastShape(): Promise<{ proofs: number[]; updates: number[]; provers: string[] }> {
  const { settlements } = await auditedReplay(world);
  const last = settlements.at(-1)?.settlement;
  return {
    proofs: last?.transfers.map(({ records }) => records.length) ?? [],
    updates: last?.updates.map(({ used }) => used) ?? [],
    provers: last?.transfers.map(({ prover }) => prover) ?? [],
  };
}

describe('a group', () => {
  it('is proven together as soon as eight wait, and settles in one update', async () => {
    const roster = await open({});
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    const statuses = await settledAll(records);
    expect(statuses.every(({ status, prover }) => status === 'settled' && prover === workers[0]?.address)).toBe(true);
    expect(await lastShape()).toMatchObject({ proofs: [8], updates: [8] });
    const positions = statuses.map(({ position }) => Number(position)).sort((a, b) => a - b);
    expect(positions.map((position) => position - (positions[0] as number))).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
  });

  it('mixes with proofs of one, of home and farm, and with queue items, in one settlement', async () => {
    const before = (await auditedReplay(world)).settlements.length;
    // Nobody proves updates before everything is sealed.
    const roster = await open({ settleAfterMs: 30_000 }, [{ lanes: ['transfer_8'] }, { lanes: ['transfer_1'] }]);
    const only = (address: string | undefined) => ({ ...roster, workers: roster.workers.filter((entry) => entry.address === address) });
    const [records, home, anchor] = [fresh(9), fresh(2), await anchorNow()];
    const [grouped, alone] = [records.slice(0, 8), records[8] as TransferRecord];
    await world.deposit(5n, 71n);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 1,
      'the deposit seen',
    );
    for (const record of home) await client.submit(provenSubmission(record, anchor, world.domain));
    for (const record of grouped) await client.submit(sealed(record, anchor, only(workers[0]?.address)));
    // Read by a worker that proves singles only, it goes alone.
    await client.submit(sealed(alone, anchor, only(workers[1]?.address)));
    for (const record of [...records, ...home])
      await until(
        () => statusNow(client, idOf(record)),
        ({ status }) => status === 'sealed',
        'sealed',
      );
    workers.push(await world.worker({ lanes: ['update_8', 'update_32'] }, 5));
    await settledAll([...records, ...home]);
    const { settlements } = await auditedReplay(world);
    expect(settlements).toHaveLength(before + 1);
    const { proofs, updates, provers } = await lastShape();
    expect([...proofs].sort()).toEqual([1, 1, 1, 8]);
    expect(updates.reduce((sum, used) => sum + used)).toBe(12);
    expect(new Set(provers)).toEqual(new Set([workers[0]?.address, workers[1]?.address, ZERO_ADDRESS]));
  });

  it('is filled up with transfers of nothing when it has waited, where that is cheaper; one goes alone', async () => {
    const roster = await open({ groupAfterMs: 5_000 });
    const [five, anchor] = [fresh(5), await anchorNow()];
    for (const record of five) await client.submit(sealed(record, anchor, roster));
    await settledAll(five);
    expect(await lastShape()).toMatchObject({ proofs: [8], updates: [8] });
    const { settled } = node.stats();
    const [[one], later] = [fresh(1), await anchorNow()];
    await client.submit(sealed(one as TransferRecord, later, roster));
    await settledStatus(client, idOf(one as TransferRecord));
    expect((await lastShape()).proofs).toEqual([1]);
    // What the node made up is nobody's payment.
    expect(node.stats().settled - settled).toBe(1);
  });

  it('waits its turn behind a flow of deposits and is not starved by it', async () => {
    const roster = await open({ updateCircuits: ['update_8'] });
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    let flowing = true;
    const flow = (async () => {
      for (let n = 0n; flowing && n < 200n; n++) await world.deposit(5n, 300n + n);
    })();
    expect((await settledAll(records)).map(({ status }) => status)).toEqual(records.map(() => 'settled'));
    flowing = false;
    await flow;
  });
});

describe('what is wrong with one member', () => {
  it('loses its note to a forced transfer after the proof: the others are proven again from their seals', async () => {
    const roster = await open({ sealAfterMs: 6_000, groupAfterMs: 8_000 });
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    const [loser, ...others] = records as [TransferRecord, ...TransferRecord[]];
    const numbers = () =>
      Promise.all(
        records.map((record) =>
          until(
            () => statusNow(client, idOf(record)),
            ({ confirmation }) => confirmation !== undefined,
            'proven and promised',
          ).then(({ confirmation }) => confirmation?.sequence),
        ),
      );
    const promised = await numbers();
    const winner = recordOf(next++, { nf1: loser.nf1 });
    const { h, proof } = homeProof(winner, anchor, ZERO_ADDRESS, world.domain);
    const refund = world.anvil.accounts[6]?.address as string;
    await world.rollup.force({ record: winner, prover: ZERO_ADDRESS, refund, anchor, h: BigInt(h), proof: decodeProof(hexToBytes(proof)) });
    expect((await settledAll(others)).map(({ status }) => status)).toEqual(others.map(() => 'settled'));
    expect((await settledAll([loser]))[0]).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('NULLIFIER_SPENT'),
    });
    // One number for each record: two would read as an operator that promises what it does not keep.
    expect(
      (await Promise.all(others.map((record) => statusNow(client, idOf(record))))).map((status) => status.confirmation?.sequence),
    ).toEqual(promised.slice(1));
    await auditedReplay(world);
  });

  it('A16: a false witness is named by its index and given back when two workers agree; the others settle', async () => {
    const roster = await open({ groupAfterMs: 2_000 }, [{}, {}]);
    const [records, anchor] = [fresh(8), await anchorNow()];
    const bad = records[3] as TransferRecord;
    for (const record of records) await client.submit(sealed(record, anchor, roster, record === bad ? recordOf(999) : record));
    const given = await until(
      () => statusNow(client, idOf(bad)),
      ({ status }) => status === 'reseal',
      'given back',
    );
    expect(given.reason).toBe('RESEAL: SEAL_RECORD');
    expect(world.lines.join('\n')).toMatch(/3 is set aside \(SEAL_RECORD\)/);
    await settledAll(records.filter((record) => record !== bad));
    // Sealed truly it goes through: nothing has failed.
    await client.submit(sealed(bad, anchor, roster));
    expect((await settledStatus(client, idOf(bad))).status).toBe('settled');
  });

  it('A15: a worker that refuses a true payment costs it time: another one proves it', async () => {
    let refusals = 0;
    const liar: Partial<SimulatedWorkerOptions> = {
      key: LIAR_KEY,
      refuse: ({ sealed: members }) => {
        refusals++;
        return members.slice(0, 1).map((_, index) => ({ index, code: 'TRANSFER_T8' }));
      },
    };
    const roster = await open({ groupAfterMs: 2_000 }, [liar]);
    const both = { ...roster, workers: [...roster.workers] };
    const [records, anchor] = [fresh(8), await anchorNow()];
    const honest = await world.worker(
      {
        lanes: LANES,
        // Whoever comes first, the liar lies first.
        at: (phase, { kind }) => {
          if (phase === 'taken' && kind === 'transfer' && refusals === 0) throw new PassOn();
        },
      },
      4,
    );
    workers.push(honest);
    const { workers: list } = await until(
      () => client.roster(),
      (answer) => answer.workers.length === 2,
      'two workers',
    );
    for (const record of records) await client.submit(sealed(record, anchor, { ...both, workers: list }));
    const statuses = await settledAll(records);
    expect(statuses.map(({ status }) => status)).toEqual(records.map(() => 'settled'));
    expect(refusals).toBeGreaterThan(0);
    expect(statuses[0]?.prover).toBe(honest.address);
  });

  it('A15: two newcomers who refuse together send no true payment back: the second opinion is asked of who has done most', async () => {
    let refusals = 0;
    const twins = TWIN_KEYS.map((key): Partial<SimulatedWorkerOptions> => {
      const refuse: SimulatedWorkerOptions['refuse'] = ({ sealed: members }) => {
        refusals++;
        return members.map((_, index) => ({ index, code: 'TRANSFER_T8' }));
      };
      return { key, lanes: ['transfer_1'], refuse };
    });
    // Slow enough that the twins get their share.
    const slow: SimulatedWorkerOptions['at'] = async (phase, job) => {
      if (phase === 'proving' && job.kind === 'transfer') await new Promise((resolve) => setTimeout(resolve, 200));
    };
    const roster = await open({}, [{ lanes: ['transfer_1', 'update_8', 'update_32'], at: slow }, ...twins]);
    // It has proven something before, and they have not.
    const known = { ...roster, workers: roster.workers.filter(({ address }) => address === workers[0]?.address) };
    const [[first], before] = [fresh(1), await anchorNow()];
    await client.submit(sealed(first as TransferRecord, before, known));
    await settledAll([first as TransferRecord]);
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    const statuses = await settledAll(records);
    expect(refusals).toBeGreaterThan(0);
    expect(statuses.map(({ status, prover }) => [status, prover])).toEqual(records.map(() => ['settled', workers[0]?.address]));
  }, 60_000);

  it('A15: a worker that refuses what the node made up does not hold a group up for ever', async () => {
    let lies = 0;
    const liar: Partial<SimulatedWorkerOptions> = {
      key: DENIER_KEY,
      refuse: ({ circuit }) => {
        if (circuit !== 'transfer_8') return [];
        lies++;
        return [{ index: 7, code: 'TRANSFER_T8' }];
      },
    };
    const roster = await open({ groupAfterMs: 500 }, [liar]);
    const [records, anchor] = [fresh(5), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    expect((await settledAll(records)).map(({ status }) => status)).toEqual(records.map(() => 'settled'));
    expect(lies).toBeLessThanOrEqual(6);
  });

  it('A15: a wallet that seals for one worker and not for another does not have the other passed over', async () => {
    const bait = recordOf(next++);
    let refusals = 0;
    const avoided: unknown[] = [];
    const note: SimulatedWorkerOptions['at'] = (phase, job) => {
      if (phase === 'taken' && job.kind === 'transfer' && job.circuit === 'transfer_8') avoided.push(job.avoid);
    };
    const cheated: Partial<SimulatedWorkerOptions> = {
      refuse: ({ sealed: members }) => {
        if (members[0]?.recordHash !== idOf(bait)) return [];
        refusals++;
        return [{ index: 0, code: 'SEAL_TAMPERED' }];
      },
      at: note,
    };
    const other: SimulatedWorkerOptions['at'] = (phase, job) => {
      // Whoever comes first, the one that is cheated refuses first.
      if (phase === 'taken' && job.kind === 'transfer' && refusals === 0) throw new PassOn();
      return note(phase, job);
    };
    const roster = await open({ groupAfterMs: 300 }, [cheated, { at: other }]);
    await client.submit(sealed(bait, await anchorNow(), roster));
    expect((await settledStatus(client, idOf(bait))).prover).toBe(workers[1]?.address);
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    await settledAll(records);
    expect(new Set(avoided)).toEqual(new Set([undefined]));
  });

  it('runs out of time: the payments go back to their wallets, and of what the node made up nothing is left', async () => {
    let release: () => void = () => {};
    const silence = new Promise<void>((resolve) => {
      release = resolve;
    });
    const roster = await open({ groupAfterMs: 300 }, [{ at: () => silence }]);
    const [records, anchor] = [fresh(5), await anchorNow()];
    // Time enough for five submissions and a group, also where other work has the machine.
    const expires = Math.floor(Date.now() / 1000) + 8;
    for (const record of records) await client.submit(sealed(record, anchor, { ...roster, expires }));
    await until(
      () => node.stats(),
      ({ pending, padding }) => pending === 5 && padding === 3,
      'a filled-up group',
    );
    for (const record of records)
      await until(
        () => statusNow(client, idOf(record)),
        ({ status }) => status === 'reseal',
        'given back',
      );
    await until(
      () => node.stats(),
      ({ pending, padding }) => pending === 5 && padding === 0,
      'rid of padding',
      30_000,
    );
    release();
  });

  it('A15: a refusal in another worker’s name, or of what the worker cannot read, does not count', async () => {
    let forged = 0;
    const victim = `0x${'ab'.repeat(20)}`;
    const roster = await open({}, [
      {
        spoil: (_, result) => {
          if (result.circuit !== 'transfer_8' || forged++ > 0) return result;
          return { worker: victim, refused: [{ index: 0, code: 'TRANSFER_T8' }], signature: `0x${'11'.repeat(65)}` } as never;
        },
      },
    ]);
    const [records, anchor] = [fresh(8), await anchorNow()];
    for (const record of records) await client.submit(sealed(record, anchor, roster));
    expect((await settledAll(records)).map(({ status }) => status)).toEqual(records.map(() => 'settled'));
    expect(world.lines.join('\n')).toMatch(/REFUSAL_FORGED/);
  });

  it('A15: a worker that takes a group and says nothing is passed over when its time is up', async () => {
    let taken = 0;
    let release: () => void = () => {};
    const silence = new Promise<void>((resolve) => {
      release = resolve;
    });
    const limit = { transfer_1: 400, transfer_8: 400, update_2: 60_000, update_8: 60_000, update_32: 60_000 };
    const silent: Partial<SimulatedWorkerOptions> = {
      lanes: ['transfer_1', 'transfer_8'],
      at: (phase) => (phase === 'taken' && taken++ === 0 ? silence : undefined),
    };
    const roster = await open({ proofLimitMs: limit }, [silent]);
    workers.push(await world.worker({ lanes: ['update_8'] }, 6));
    const [records, anchor] = [fresh(8), await anchorNow()];
    const heir = await world.worker(
      {
        lanes: LANES,
        at: () =>
          until(
            () => taken,
            (n) => n > 0,
            'taken by the silent one',
          ).then(() => {}),
      },
      4,
    );
    workers.push(heir);
    const { workers: list } = await until(
      () => client.roster(),
      (answer) => answer.workers.length === 2,
      'two workers',
    );
    for (const record of records) await client.submit(sealed(record, anchor, { ...roster, workers: list }));
    const statuses = await settledAll(records);
    release();
    expect(statuses.map(({ status }) => status)).toEqual(records.map(() => 'settled'));
  });

  it('A3: a member that is proven at home leaves its group, and the others are proven without it', async () => {
    const roster = await open({ groupAfterMs: 2_000 }, []);
    // Nobody proves yet: the roster is written for a worker who comes later.
    const [records, anchor] = [fresh(8), await anchorNow()];
    const worker = await world.worker({ lanes: LANES, at: () => gate }, 3);
    workers.push(worker);
    const list = await until(
      () => client.roster(),
      (answer) => answer.workers.length === 1,
      'the worker',
    );
    for (const record of records) await client.submit(sealed(record, anchor, { ...roster, ...list }));
    const home = await client.submit(provenSubmission(records[2] as TransferRecord, anchor, world.domain));
    expect(home.confirmation).toBeDefined();
    open_();
    const statuses = await settledAll(records);
    expect(statuses.map(({ status }) => status)).toEqual(records.map(() => 'settled'));
    expect(statuses[2]?.prover).toBe(`0x${'00'.repeat(20)}`);
    await auditedReplay(world);
  });
});

let open_: () => void = () => {};
const gate = new Promise<void>((resolve) => {
  open_ = resolve;
});
