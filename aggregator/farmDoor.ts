/**
 * The farm as workers over HTTP find it at the node's gateway: who may log in, leases that answer in time, and whose turn it is.
 * Who was given which job is remembered while its task is open: it is the gateway's own word, not the worker's.
 */
import type { EvmAddress } from '../protocol/flavor.js';
import type { BullLeases } from '../queue/bullLeases.js';
import type { Lane } from '../queue/farmOptions.js';
import type { FarmDoor } from '../queue/farmRoutes.js';
import { type LeaseRef, workerOfToken } from '../queue/lease.js';
import { pause } from '../queue/pause.js';
import { FarmSessions } from '../queue/sessions.js';
import type { NodeContext } from './context.js';
import { timed } from './timed.js';

/** How often a worker that rests is looked at again while it waits for a job. */
const REST_LOOK_MS = 1_000;

export function farmDoor(ctx: NodeContext): FarmDoor {
  const { publicHosts } = ctx.config;
  const { leases } = ctx.effects;
  const inTime = timed(leases, ctx.policy.queueTimeoutMs);
  return {
    domain: ctx.domain,
    sessions: new FarmSessions({
      domain: ctx.domain,
      refusal: (worker) => ctx.roster.refusal(worker),
      nowMs: ctx.nowMs,
      ...(publicHosts === undefined ? {} : { hosts: publicHosts }),
    }),
    leases: {
      announce: (line) => inTime.announce(line),
      withdraw: (worker) => inTime.withdraw(worker),
      renew: (ref) => inTime.renew(ref),
      report: (ref, progress) => inTime.report(ref, progress),
      answer: (ref, answer) => inTime.answer(ref, answer),
      fail: async (ref, failure) => {
        await inTime.fail(ref, failure);
        ctx.resting.dropped(workerOfToken(ref), `failed a job, ${failure.code}`);
      },
      giveBack: async (ref) => {
        await inTime.giveBack(ref);
        ctx.resting.gaveBack(workerOfToken(ref));
      },
    },
    take: async (lanes, worker, signal) => {
      while (!signal.aborted) {
        const letDown = ctx.wary.nextLetDown();
        const open = await lanesFor(ctx, lanes, worker);
        if (open.length === 0) await pause(REST_LOOK_MS, signal);
        else {
          const lease = await leases.take(open, worker, AbortSignal.any([signal, letDown]));
          if (lease !== undefined) note(ctx, lease, inTime);
          if (lease !== undefined || !letDown.aborted) return lease;
        }
      }
      return undefined;
    },
  };
}

/**
 * All that it asked for; while it rests, those that nobody else serves. Where a job was kept of late and it has proved nothing yet,
 * those that nobody serves who has.
 */
async function lanesFor(ctx: NodeContext, lanes: readonly Lane[], worker: EvmAddress): Promise<readonly Lane[]> {
  const rests = ctx.resting.has(worker);
  const isUnproven = lanes.some((lane) => ctx.wary.has(lane)) && !ctx.records.hasProved(worker);
  if (!rests && !isUnproven) return lanes;
  const others = (await ctx.effects.queue.workers()).filter(
    ({ address }) => address !== worker && !ctx.resting.has(address) && ctx.roster.refusal(address) === undefined,
  );
  return lanes.filter((lane) => {
    const serving = others.filter((other) => other.lanes.includes(lane));
    const first = rests ? serving : serving.filter(({ address }) => ctx.wary.has(lane) && ctx.records.hasProved(address));
    return first.length === 0;
  });
}

function note(ctx: NodeContext, lease: LeaseRef, leases: Pick<BullLeases, 'renew'>): void {
  if (!ctx.tasks.has(lease.id)) return;
  const holds = (): Promise<boolean> =>
    leases.renew(lease).then(
      () => true,
      () => false,
    );
  ctx.handed.set(lease.id, { worker: workerOfToken(lease), holds });
}
