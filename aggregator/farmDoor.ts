/** The farm as workers over HTTP find it at the node's gateway: who may log in, and leases that answer in time. */
import type { FarmDoor } from '../queue/farmRoutes.js';
import { FarmSessions } from '../queue/sessions.js';
import type { NodeContext } from './context.js';
import { timed } from './timed.js';

export function farmDoor(ctx: NodeContext): FarmDoor {
  const { publicHosts } = ctx.config;
  const { leases } = ctx.effects;
  return {
    domain: ctx.domain,
    sessions: new FarmSessions({
      domain: ctx.domain,
      refusal: (worker) => ctx.roster.refusal(worker),
      nowMs: ctx.nowMs,
      ...(publicHosts === undefined ? {} : { hosts: publicHosts }),
    }),
    leases: timed(leases, ctx.policy.queueTimeoutMs),
    take: (lanes, worker, signal) => leases.take(lanes, worker, signal),
  };
}
