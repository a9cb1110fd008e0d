/** The node behind its gateway. */

import { CIRCUITS } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { GATEWAY_LIMITS } from '../queue/gateway.js';
import type { GatewayService, HealthReport, NodeInfo } from '../queue/service.js';
import type { NodeContext } from './context.js';
import { pendingTransfers } from './inspect.js';
import { submit } from './intake.js';
import { LEAF_PAGE_SIZE, leafPage } from './leafPages.js';
import { assertTakingIn } from './queueWatch.js';
import { statusOf } from './status.js';

const VERSION = '0.1.0';

export function makeService(ctx: NodeContext, problems: () => Readonly<Record<string, string>>): GatewayService {
  return {
    info: async () => nodeInfo(ctx),
    submit: async (submission) => {
      assertTakingIn(ctx, submission.id);
      return submit(ctx, submission);
    },
    status: async (id) => {
      const row = ctx.live.get(id) ?? ctx.journal.read.transfers.get(id);
      return row === undefined ? undefined : statusOf(ctx, row);
    },
    quote: async (asset) => ctx.quotes.quote(asset, ctx.nowMs()),
    roster: () => ctx.roster.roster(ctx.nowMs()),
    leafPage: async (page) => leafPage(ctx.view.state, page),
    health: () => health(ctx, problems()),
    subscribe: (listener) => ctx.events.subscribe(listener),
  };
}

function nodeInfo(ctx: NodeContext): NodeInfo {
  const { config, policy, domain, settler, aggregator } = ctx;
  return {
    software: 'tacit',
    version: VERSION,
    chainId: Number(domain.chainId),
    contract: domain.contract,
    deploymentBlock: config.deploymentBlock,
    network: config.network,
    confirmationDepth: policy.confirmationDepth,
    aggregator,
    operator: settler,
    circuits: [CIRCUITS.transfer_1.name, ...policy.updateCircuits],
    assets: [...config.assets],
    limits: { leafPageSize: LEAF_PAGE_SIZE, bodyBytes: GATEWAY_LIMITS.bodyBytes },
  };
}

async function health(ctx: NodeContext, problems: Readonly<Record<string, string>>): Promise<HealthReport> {
  const checks: Record<string, string> = { chain: 'ok', farm: 'ok', journal: 'ok', ...problems };
  let workers = 0;
  if (ctx.queueTrouble !== undefined) checks.farm = `${ctx.queueTrouble.code}: nothing new is taken in`;
  else workers = await workerCount(ctx, checks);
  return { ok: Object.values(checks).every((line) => line === 'ok'), checks, pending: pendingTransfers(ctx).length, workers };
}

async function workerCount(ctx: NodeContext, checks: Record<string, string>): Promise<number> {
  try {
    const workers = (await ctx.effects.queue.workers()).length;
    if (workers === 0) checks.workers = 'no worker has announced itself';
    return workers;
  } catch (error) {
    checks.farm = error instanceof TacitError ? error.code : 'unreachable';
    return 0;
  }
}
