/**
 * What Foundry's tests need from outside Solidity, written to `.cache/foundry/inputs.json` in the repository: the
 * rollup's creation code as compile.ts makes it, the Poseidon contracts, the adversaries of contracts/test, and keys
 * whose secrets are known.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '../../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { encodeProof } from '../../protocol/proof.js';
import { writeCached } from '../../verifier-contract/cache.js';
import { compileContracts } from '../../verifier-contract/compile.js';
import { encodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { POSEIDON_ARITIES, poseidonCreationCode } from '../../verifier-contract/poseidonCode.js';
import { g2, inverse, syntheticKeys } from '../verifier-contract/syntheticKeys.js';

const ALL: readonly CircuitName[] = ['transfer_1', 'transfer_8', 'update_2', 'update_8', 'update_32'];
const IC_POINTS = 4;

/** Writes the inputs below `root`, the folder that holds foundry.toml. */
export async function prepareFoundry(root: string): Promise<void> {
  const dir = join(root, '.cache', 'foundry');
  await mkdir(dir, { recursive: true });
  const [rollup, adversaries] = [await compileContracts('rollup'), await compileContracts('test')];
  const { table, secrets } = syntheticKeys(ALL);
  const word = (x: bigint): string => `0x${x.toString(16).padStart(64, '0')}`;
  const deltaInverse = [word(0n)];
  const ic = Array.from({ length: IC_POINTS }, () => word(0n));
  for (const name of ALL) {
    const own = secrets.circuits.get(CIRCUITS[name].id) as { delta: bigint; ic: readonly bigint[] };
    deltaInverse.push(word(inverse(own.delta)));
    ic.push(...own.ic.map(word));
  }
  const none = { x: 0n, y: 0n };
  const betaPoint = encodeProof({ a: none, b: g2(secrets.beta), c: none }).slice(64, 192); // B of a proof, as EIP-197 has it
  const inputs = {
    rollup: (rollup.get('Rollup') as { bytecode: string }).bytecode,
    poseidon: POSEIDON_ARITIES.map(poseidonCreationCode),
    keys: bytesToHex(encodeKeyBlob(table)),
    alpha: word(secrets.alpha),
    beta: word(secrets.beta),
    gamma: word(secrets.gamma),
    deltaInverse,
    ic,
    betaPoint: bytesToHex(betaPoint),
    code: Object.fromEntries([...adversaries.values()].map(({ name, bytecode }) => [name, bytecode])),
  };
  await writeCached(dir, 'inputs.json', JSON.stringify(inputs));
}
