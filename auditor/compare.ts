/**
 * The rebuilt state against what the contract's storage says at the last block.
 */
import type { Archive } from './archive.js';
import type { Findings } from './finding.js';
import type { Replay } from './replay.js';

/** Adds a finding for each thing in which the contract and the replay disagree. */
export function compareState({ state, toBlock }: Archive, replay: Replay, findings: Findings): void {
  const { ledger, queue, counts } = replay;
  const place = { block: toBlock };
  const same = (what: string, own: bigint | number, told: bigint | number) => {
    if (BigInt(own) !== BigInt(told))
      findings.broken(place, 'STATE_MISMATCH', `the contract's ${what} is ${show(told)}, history gives ${show(own)}`);
  };
  same('note root', ledger.noteRoot, BigInt(state.noteRoot));
  same('nullifier root', ledger.nullifierRoot, BigInt(state.nullifierRoot));
  same('leaf count', ledger.leafCount, state.leafCount);
  same('settlement count', counts.settlements, state.settlementCount);
  same('queue head', queue.head, state.queueHead);
  same('queue tail', queue.tail, state.queueTail);
  compareRoots(state.roots, replay, findings, toBlock);
  compareCredits(state.credits, replay, findings, toBlock);
  compareHoldings(state.balances, replay, findings, toBlock);
}

function compareRoots(told: Archive['state']['roots'], { knownRoots, madeRoots }: Replay, findings: Findings, block: number): void {
  const answers = new Map(told.map(({ root, known }) => [BigInt(root), known]));
  for (const root of madeRoots) {
    const known = answers.get(root);
    if (known === undefined) findings.broken({ block }, 'STATE_INCOMPLETE', `nothing is said of note root ${show(root)}`);
    else if (known !== knownRoots.has(root)) {
      findings.broken(
        { block },
        'STATE_MISMATCH',
        `note root ${show(root)} is ${known ? 'known' : 'unknown'} to the contract, history says otherwise`,
      );
    }
    answers.delete(root);
  }
  for (const root of answers.keys()) findings.broken({ block }, 'STATE_MISMATCH', `note root ${show(root)} is none that history makes`);
}

function compareCredits(told: Archive['state']['credits'], { credits }: Replay, findings: Findings, block: number): void {
  const answers = new Map(told.map(({ account, asset, amount }) => [`${account} ${asset}`, BigInt(amount)]));
  for (const { account, asset, amount } of credits.credits()) {
    const known = answers.get(`${account} ${asset}`);
    if (known === undefined)
      findings.broken({ block }, 'STATE_INCOMPLETE', `nothing is said of the credit of ${account} in asset ${asset}`);
    else if (known !== amount)
      findings.broken({ block }, 'STATE_MISMATCH', `the contract owes ${account} ${known} of asset ${asset}, history gives ${amount}`);
  }
}

/** More than enough is fine: anyone may send the contract money. */
function compareHoldings(told: Archive['state']['balances'], { credits }: Replay, findings: Findings, block: number): void {
  const answers = new Map(told.map(({ asset, amount }) => [asset, BigInt(amount)]));
  for (const { asset, amount } of credits.holdings()) {
    const owned = answers.get(asset);
    if (owned === undefined) findings.broken({ block }, 'STATE_INCOMPLETE', `nothing is said of what the contract owns of asset ${asset}`);
    else if (owned < amount)
      findings.broken({ block }, 'INSOLVENT', `the contract owns ${owned} of asset ${asset} and must be able to pay ${amount}`);
  }
}

function show(value: bigint | number): string {
  return typeof value === 'number' || value < 2n ** 64n ? String(value) : `0x${value.toString(16).padStart(64, '0')}`;
}
