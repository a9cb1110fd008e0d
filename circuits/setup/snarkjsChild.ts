/**
 * snarkjs' set-up functions in a process of their own. snarkjs starts threads that live as long as the process, writes
 * findings to the console and computes for minutes; here it can do all that without touching the caller.
 */
import { fork } from 'node:child_process';
import { TacitError } from '../../protocol/errors.js';
import { compiledModule } from '../paths.js';

/** Functions of snarkjs that may be called, with their arguments; all paths are absolute. */
export interface SnarkjsCalls {
  'zKey.newZKey': [r1cs: string, ptau: string, zkey: string];
  'zKey.contribute': [from: string, to: string, name: string, entropy: string];
  'zKey.beacon': [from: string, to: string, name: string, beaconHex: string, iterationsExp: number];
  'zKey.verifyFromR1cs': [r1cs: string, ptau: string, zkey: string];
  'zKey.exportVerificationKey': [zkey: string];
  'powersOfTau.verify': [ptau: string];
  'powersOfTau.preparePhase2': [from: string, to: string];
}

export interface SnarkjsOutcome {
  readonly value: unknown;
  /** What snarkjs said, errors and complaints of its verifiers among it. */
  readonly messages: readonly string[];
}

export interface SnarkjsRequest {
  readonly call: keyof SnarkjsCalls;
  readonly args: readonly unknown[];
}

export type SnarkjsReply =
  | { readonly value: unknown; readonly messages: readonly string[] }
  | { readonly error: string; readonly messages: readonly string[] };

/** @throws TacitError SNARKJS_FAILED with snarkjs' own words. Arguments go over a pipe, never onto a command line. */
export function runSnarkjs<Call extends keyof SnarkjsCalls>(call: Call, ...args: SnarkjsCalls[Call]): Promise<SnarkjsOutcome> {
  return new Promise((resolve, reject) => {
    const child = fork(compiledModule('setup/snarkjsProcess.js'), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    let reply: SnarkjsReply | undefined;
    child.on('message', (message) => {
      reply = message as SnarkjsReply;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (reply !== undefined && !('error' in reply)) resolve(reply);
      else reject(new TacitError('SNARKJS_FAILED', `snarkjs' ${call} failed: ${reply?.error ?? `exit code ${code}`}`));
    });
    child.send({ call, args } satisfies SnarkjsRequest);
  });
}
