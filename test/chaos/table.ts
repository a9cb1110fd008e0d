/** Every scenario by name, in the order of the long run. */
import { containerRestart } from './containerRestart.js';
import { crashEverywhere } from './crashEverywhere.js';
import { fees } from './fees.js';
import { load } from './load.js';
import { redisFailover } from './redisFailover.js';
import { redisTrouble } from './redisTrouble.js';
import { reorgs } from './reorgs.js';
import { rpcTrouble } from './rpcTrouble.js';
import type { Scenario } from './scenario.js';
import { operatorReturns, takeover } from './takeover.js';
import { twoNodes } from './twoNodes.js';
import { walletCommandKilled, walletKilled } from './walletKilled.js';
import { workersDrain } from './workersDrain.js';
import { workersKilled } from './workersKilled.js';
import { workersLie } from './workersLie.js';

export const SCENARIOS: readonly Scenario[] = [
  crashEverywhere,
  workersKilled,
  workersLie,
  workersDrain,
  redisTrouble,
  redisFailover,
  reorgs,
  rpcTrouble,
  fees,
  twoNodes,
  takeover,
  operatorReturns,
  containerRestart,
  walletKilled,
  walletCommandKilled,
  load,
];

/** What `npm test` plays, at its small scale. */
export const SMOKE: readonly string[] = ['crash-everywhere', 'workers-killed', 'redis-trouble', 'rpc-trouble', 'takeover'];
