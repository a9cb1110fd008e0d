/**
 * The contract with one bug each, to see that the Foundry tests notice: a test of the tests. Every bug is a piece of
 * source that stands there exactly once, and what an author might have written instead.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ForgeTest, runForge } from './forge.js';

export interface Mutant {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const mutant = (file: string, from: string, to: string): Mutant => ({ file: `${file}.sol`, from, to });

export const MUTANTS: readonly Mutant[] = [
  mutant('QueueSlots', 'if (got != word) revert ForcedMismatch(index, word, got);', ''),
  mutant('QueueSlots', 'if (_conflict(_entryAt(table, k), x)) revert DropNotFirst(i, by, k);', ''),
  mutant('QueueSlots', '                halfSlot = 0;\n', ''),
  mutant('QueueSlots', '_credit(refund, NATIVE, bondWei);', ''),
  mutant('Queue', 'block.timestamp > uint256', 'block.timestamp >= uint256'),
  mutant('Queue', 'item.kind = ItemKind.Dropped;', ''),
  mutant('Queue', 'isForced[recordHash] = true;', ''),
  mutant('Settlement', 'msg.sender != aggregator && !overdue', 'msg.sender != aggregator && overdue'),
  mutant('Settlement', 'taken < transfers &&', 'taken + 1 < transfers &&'),
  mutant('Updates', 'leaves = start + batch;', 'leaves = start + batch / 2;'),
  mutant('Updates', '(leaves + batch - 1) / batch * batch', 'leaves'),
  mutant('Updates', 'i == last ||', 'i != last ||'),
  mutant('Transfers', 'usedMask != (1 << anchors) - 1', 'usedMask > (1 << anchors) - 1'),
  mutant('Transfers', 'earlier >= next', 'earlier > next'),
  mutant('Record', 'gt(lt(flags, 16), eq(nf1, nf2))', 'gt(lt(flags, 32), eq(nf1, nf2))'),
  mutant('Record', 'gt(lt(flags, 16), eq(nf1, nf2))', 'lt(flags, 16)'),
  mutant('Record', 'calldatacopy(add(x, OUT_ASSET), calldatasize(), 96)', ''),
  mutant('Record', 'and(lt(cm1, SCALAR), lt(cm2, SCALAR))', 'lt(cm1, SCALAR)'),
  mutant('Record', 'if (wide) revert FeeNotNarrowest(fee, width);', ''),
  mutant('Pass', 'flags > 1 || (flags == 1 && i + 1 == pass.updates)', 'flags > 1'),
  mutant('Fold', 'if (!sound) revert FoldInvalid();', ''),
  mutant('Fold', 'mstore(add(pair, 64), total)', 'mstore(add(pair, 64), add(total, 1))'),
  mutant('Fold', 'mstore(add(row, 128), 1)', 'mstore(add(row, 128), 2)'),
  mutant('Fold', 'ok := staticcall(gas(), 6, row, 128, row, 64)\n', 'mcopy(row, add(row, 64), 64)\n'),
  mutant('Fingerprint', 'mod(div(length, 6), 2)', 'mod(div(length, 6), 3)'),
  mutant('Effects', '_tally(aggregatorFees, uint160(aggregator), asset, rest);', ''),
  mutant('Effects', 'aggregatorFees.amount += rest;', ''),
  mutant('Effects', 'changed |= updateFees.key ^ _tallyKey(updateProver, asset);', ''),
  mutant('Withdrawal', 'mstore(last, link)', 'mstore(last, 0)'),
  mutant('Credits', 'credits[account][id] = 0;', ''),
  mutant('Withdrawals', '_credit(recipient, id, value);', ''),
  mutant('Assets', 'if (rise != value)', 'if (rise < value)'),
  mutant('Poseidon', 'requireField(siblings[level][k]);', ''),
  mutant('KeyTable', '_checkDiffer(blob, pos, GAMMA);', ''),
  mutant('Lock', '_locked = true;', ''),
];

/**
 * Compiles the contract with one bug and runs the tests until the first that fails, which is returned.
 * @throws Error when the bug's place is gone, or the sources do not compile
 */
export async function hunt(root: string, { file, from, to }: Mutant): Promise<ForgeTest | undefined> {
  const contracts = join(root, 'verifier-contract', 'contracts');
  const names = (await readdir(contracts)).filter((name) => name.endsWith('.sol'));
  const texts = await Promise.all(names.map((name) => readFile(join(contracts, name), 'utf8')));
  const sources = Object.fromEntries(names.map((name, i) => [name, { content: texts[i] as string }]));
  const original = sources[file]?.content ?? '';
  if (original.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
  sources[file] = { content: original.replace(from, () => to) };
  const dir = join(root, '.cache', 'foundry');
  const inputs = JSON.parse(await readFile(join(dir, 'inputs.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(dir, 'mutant.json'), JSON.stringify({ ...inputs, rollup: await creationCode(root, sources) }));
  const tests = await runForge(root, 'default', { inputs: '.cache/foundry/mutant.json', failFast: true });
  return tests.find(({ passed }) => !passed);
}

async function creationCode(root: string, sources: Record<string, { content: string }>): Promise<string> {
  const settings = {
    // the pipeline that the product's code goes through, at the speed of fewer optimizer runs
    viaIR: true,
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 1 },
    outputSelection: { 'Rollup.sol': { Rollup: ['evm.bytecode.object'] } },
  };
  const child = spawn(process.execPath, [join(root, 'test/foundry/solc.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stdin.end(JSON.stringify({ language: 'Solidity', sources, settings }));
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const output = JSON.parse(Buffer.concat(out).toString()) as {
    contracts?: { 'Rollup.sol'?: { Rollup: { evm: { bytecode: { object: string } } } } };
    errors?: { severity: string; formattedMessage: string }[];
  };
  const rollup = output.contracts?.['Rollup.sol']?.Rollup;
  if (rollup === undefined) throw new Error(output.errors?.map(({ formattedMessage }) => formattedMessage).join('\n') ?? 'no bytecode');
  return `0x${rollup.evm.bytecode.object}`;
}
