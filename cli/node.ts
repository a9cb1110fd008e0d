/** `tacit node`: the aggregator with its HTTP gateway, for one contract. */
import { mkdirSync } from 'node:fs';
import type { Command } from 'commander';
import { DEFAULT_POLICY } from '../aggregator/config.js';
import { startNode } from '../aggregator/node.js';
import { processLog } from '../operations/logger.js';
import { watchNode } from '../operations/nodeOperations.js';
import { TacitError } from '../protocol/errors.js';
import { networkForChain } from '../protocol/keys.js';
import { startRedis } from '../queue/redis.js';
import { decodeKeyBlob } from '../verifier-contract/keyBlob.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { readAssets } from '../verifier-contract/token.js';
import { announceReady, endWithinLimit, untilEnd } from './lifetime.js';
import { runs } from './output.js';
import { readKeyFile } from './secretFile.js';
import { updateCircuits } from './updateCircuits.js';
import { logFormat, portNumber, type WatchFlags, watchingOptions, withWatchFlags } from './watchFlags.js';

interface NodeOptions extends WatchFlags {
  readonly rpc: string;
  readonly contract: string;
  readonly data: string;
  readonly settlerKeyFile: string;
  readonly successor?: boolean;
  readonly redis?: string;
  readonly host: string;
  readonly port: string;
  readonly publicUrl?: string[];
  readonly closedFarm?: boolean;
  readonly updateCircuits: string;
  readonly sealAfterMs: string;
  readonly settleAfterMs: string;
  readonly groupAfterMs: string;
  readonly chargeFees?: boolean;
  readonly confirmations: string;
}

const EXAMPLES = `
Examples:
  tacit node --rpc http://127.0.0.1:8545 --contract 0x… --data ./node --settler-key-file ./settler.key
  REDIS_URL=redis://:secret@10.0.0.2:6379 tacit node --rpc … --contract … --data … --settler-key-file … --port 8080
A password for Redis belongs in REDIS_URL: arguments can be read by others on the machine.`;

export function registerNode(program: Command): void {
  const command = program
    .command('node')
    .description('run the aggregator: take transfers, have them proven, settle')
    .requiredOption('--rpc <url>', "the chain's JSON-RPC", process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'the rollup contract', process.env.TACIT_CONTRACT)
    .requiredOption('--data <dir>', 'folder of the journal; keep it')
    .requiredOption('--settler-key-file <file>', 'private key of the account that settles (mode 600)')
    .option('--successor', 'settle in the place of an operator that is gone: only while the contract’s queue is overdue, with any account')
    .option('--redis <url>', 'Redis; default REDIS_URL, else a server of its own')
    .option('--host <host>', 'where the gateway listens', '127.0.0.1')
    .option('--port <port>', 'port of the gateway, 0 for any', '8080')
    .option('--public-url <url...>', 'under which wallets and workers reach the gateway; workers’ logins must name one of them')
    .option('--closed-farm', 'only workers that were admitted with `tacit farm admit` get jobs; else all that announce themselves')
    .option('--update-circuits <names>', 'circuits of the updates, comma-separated', 'update_8')
    .option('--seal-after-ms <ms>', 'seal a batch when its oldest transfer has waited so long', '2000')
    .option('--settle-after-ms <ms>', 'settle proven updates after so long', '5000')
    .option('--group-after-ms <ms>', 'sealed transfers wait at most so long for others to share a proof with', '10000')
    .option('--charge-fees', 'take only transfers that pay what is quoted: their settlement at the gas price, shares, a margin')
    .option('--confirmations <blocks>', 'blocks on top of a settlement before it is final', '1')
    .addHelpText('after', EXAMPLES);
  runs<NodeOptions>(withWatchFlags(command), runNode);
}

async function runNode(options: NodeOptions): Promise<{ value: unknown; text: string }> {
  const watching = watchingOptions(options);
  const log = processLog('node', logFormat(options));
  const provider = await openRpc(options.rpc);
  const rollup = new RollupContract(options.contract, provider);
  await rollup.assertDeployed();
  const domain = await rollup.domain();
  const [config, keyBlob, assets] = [await rollup.config(), await rollup.keyBlob(), await readAssets(rollup)];
  provider.destroy();
  const keys = decodeKeyBlob(keyBlob);
  const circuits = updateCircuits(options.updateCircuits, keys);
  mkdirSync(options.data, { recursive: true });
  const redis = await startRedis({
    dir: `${options.data}/redis`,
    log: (line) => log.line(line),
    ...(options.redis === undefined ? {} : { url: options.redis }),
  });
  try {
    const node = await startNode({
      domain,
      network: networkForChain(domain.chainId),
      deploymentBlock: config.deploymentBlock,
      rpcUrl: options.rpc,
      redisUrl: redis.url,
      journalDir: `${options.data}/journal`,
      settlerKey: readKeyFile(options.settlerKeyFile),
      successor: options.successor === true,
      keys,
      assets: assets.map((asset) => ({ ...asset })),
      host: options.host,
      port: portNumber('port', options.port),
      ...(options.publicUrl === undefined ? {} : { publicHosts: options.publicUrl.map(hostOf) }),
      ...(options.closedFarm === true ? { admittedWorkers: [] } : {}),
      policy: {
        updateCircuits: circuits,
        sealAfterMs: wholeNumber('seal-after-ms', options.sealAfterMs),
        settleAfterMs: wholeNumber('settle-after-ms', options.settleAfterMs),
        groupAfterMs: wholeNumber('group-after-ms', options.groupAfterMs),
        fees: { ...DEFAULT_POLICY.fees, required: options.chargeFees === true },
        confirmationDepth: wholeNumber('confirmations', options.confirmations),
      },
      log: (line) => log.line(line),
    });
    const watch = await watchNode(node, { redisUrl: redis.url, domain }, watching, log).catch(async (error: unknown) => {
      await node.stop();
      throw error;
    });
    log.line(`node listens at ${node.url}${watch.url === undefined ? '' : `, operators at ${watch.url}`}`);
    announceReady({ url: node.url, ...(watch.url === undefined ? {} : { ops: watch.url }) });
    const reason = await untilEnd();
    endWithinLimit();
    await node.stop();
    await watch.close();
    return { value: { url: node.url, ended: reason }, text: `node ended (${reason})` };
  } finally {
    await redis.stop();
  }
}

function hostOf(url: string): string {
  if (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)) return new URL(url).host;
  throw new TacitError('USAGE', '--public-url is not a URL', { expected: 'http://… or https://…', got: url });
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TacitError('USAGE', `--${option} is not a whole number`, { expected: 'digits', got: text });
}
