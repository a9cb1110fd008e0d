/** The chain and the contract: the right one, in step with our clock, with keys that are the contract's and ours. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadManifest } from '../../circuits/artifacts.js';
import { buildDir } from '../../circuits/build.js';
import { manifestPath } from '../../circuits/manifest.js';
import { circuitById } from '../../protocol/circuit.js';
import type { KeyTable } from '../../protocol/fold.js';
import { networkForChain } from '../../protocol/keys.js';
import { vkeyFromSnarkjs, vkeyToSnarkjs } from '../../protocol/vkey.js';
import { decodeKeyBlob, encodeKeyBlob, keyBlobHash } from '../../verifier-contract/keyBlob.js';
import { RollupContract } from '../../verifier-contract/rollup.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { type Check, messageOf } from './check.js';

/** The chain's clock and ours: seals and rosters expire by the clock. */
const MAX_CLOCK_SKEW_SECONDS = 120;

export interface ChainQuestion {
  readonly rpc?: string;
  readonly contract?: string;
  /** The chain that the operator means. */
  readonly chainId?: bigint;
}

export interface ChainChecks {
  readonly checks: readonly Check[];
  /** The chain holds real money, or cannot be told from one that does. */
  readonly production: boolean;
}

export async function checkChain({ rpc, contract, chainId: meant }: ChainQuestion): Promise<ChainChecks> {
  if (rpc === undefined) return { checks: [{ name: 'chain', state: 'skipped', found: 'no --rpc given' }], production: false };
  try {
    const provider = await openRpc(rpc);
    try {
      const block = await provider.getBlock('latest');
      const { chainId } = await provider.getNetwork();
      const skewSeconds = Math.round(Date.now() / 1000) - (block?.timestamp ?? 0);
      const checks = [chainCheck(chainId, meant, block?.number), clockCheck(skewSeconds)];
      const contractChecks = contract === undefined ? [] : await checkContract(new RollupContract(contract, provider));
      return { checks: [...checks, ...contractChecks], production: networkForChain(chainId) !== 'dev' };
    } finally {
      provider.destroy();
    }
  } catch (error) {
    return {
      checks: [{ name: 'chain', state: 'unknown', found: messageOf(error), mend: 'start the chain, or correct --rpc' }],
      production: false,
    };
  }
}

function chainCheck(chainId: bigint, meant: bigint | undefined, block: number | undefined): Check {
  const found = `chain ${chainId}, block ${block}`;
  if (meant === undefined || meant === chainId) return { name: 'chain', state: 'ok', found };
  return {
    name: 'chain',
    state: 'wrong',
    found: `${found}, not ${meant}`,
    mend: 'correct --rpc: a record signed for one chain is void on another',
  };
}

function clockCheck(skewSeconds: number): Check {
  // A chain without new blocks looks like a clock that runs fast; only the other direction is certain.
  if (skewSeconds < -MAX_CLOCK_SKEW_SECONDS)
    return { name: 'clock', state: 'wrong', found: `${-skewSeconds} s behind the chain`, mend: 'synchronise the clock (NTP)' };
  return { name: 'clock', state: 'ok', found: `newest block is ${skewSeconds} s old` };
}

async function checkContract(rollup: RollupContract): Promise<Check[]> {
  try {
    await rollup.assertDeployed();
    const [{ keysHash, aggregator }, blob, overdue] = await Promise.all([rollup.config(), rollup.keyBlob(), rollup.isOverdue()]);
    const table = decodeKeyBlob(blob);
    const genuine = keyBlobHash(encodeKeyBlob(table)) === keysHash;
    return [
      { name: 'contract', state: 'ok', found: `${rollup.address}, aggregator ${aggregator}` },
      genuine
        ? { name: 'verifying keys', state: 'ok', found: `${table.size} circuits, hash matches` }
        : { name: 'verifying keys', state: 'wrong', found: 'their hash is not the one on chain', mend: 'use another RPC: this one lies' },
      ...localKeys(table),
      overdue
        ? { name: 'queue', state: 'wrong', found: 'its head is overdue; anybody may settle', mend: 'start a node' }
        : { name: 'queue', state: 'ok', found: 'nothing overdue' },
    ];
  } catch (error) {
    return [{ name: 'contract', state: 'wrong', found: messageOf(error), mend: 'correct --contract' }];
  }
}

/** Proofs by another key than the contract's are worthless: those keys of this machine that differ. */
function localKeys(onChain: KeyTable): Check[] {
  return [...onChain].flatMap(([id, key]): Check[] => {
    const { name: circuit } = circuitById(id);
    if (!existsSync(manifestPath(buildDir(circuit)))) return [];
    const name = `key of ${circuit}`;
    const path = join(buildDir(circuit), loadManifest(circuit).artifacts.vkey.file);
    const ours = JSON.stringify(vkeyToSnarkjs(vkeyFromSnarkjs(JSON.parse(readFileSync(path, 'utf8')))));
    if (ours === JSON.stringify(vkeyToSnarkjs(key))) return [{ name, state: 'ok', found: "the contract's" }];
    const mend = `fetch the contract's key, or delete ${buildDir(circuit)} if it was built from other sources`;
    return [{ name, state: 'wrong' as const, found: "not the contract's", mend }];
  });
}
