/**
 * Production keys: a public powers-of-tau file (phase 1), then contributions and a beacon for each circuit (phase 2).
 * snarkjs does the group work; this file fixes the order of things, checks what is taken from outside, and never lets a
 * key through that nobody contributed to.
 *
 *   importPowersOfTau   a downloaded .ptau, accepted by its published hash only
 *   startPhase2         the key before any contribution; unusable by itself (δ = 1)
 *   contribute          one participant's secret, forgotten afterwards
 *   applyBeacon         public randomness announced beforehand, last
 *   verifySetup         (verifySetup.ts) what anybody can check afterwards
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { TacitError } from '../../protocol/errors.js';
import { runSnarkjs } from './snarkjsChild.js';

/** A file's published hash. Ceremonies publish BLAKE2b-512; SHA-256 serves for mirrors. */
export interface FileHash {
  readonly algorithm: 'blake2b512' | 'sha256';
  /** Hex, either case. */
  readonly hex: string;
}

const ENTROPY_BYTES = 64;
/** Bounds that snarkjs puts on the beacon's exponent. */
const BEACON_EXP = { min: 10, max: 63 } as const;

/** @throws TacitError SETUP_PTAU_HASH */
export async function checkFileHash(path: string, expected: FileHash): Promise<void> {
  const hash = createHash(expected.algorithm);
  await pipeline(createReadStream(path), hash);
  const got = hash.digest('hex');
  if (got !== expected.hex.toLowerCase()) {
    throw new TacitError('SETUP_PTAU_HASH', `powers-of-tau file ${path} is not the published one`, {
      expected: `${expected.algorithm} ${expected.hex.toLowerCase()}`,
      got,
    });
  }
}

export interface ImportPowersOfTau {
  /** The downloaded file. It must be prepared for phase 2, as published final files are. */
  readonly from: string;
  readonly to: string;
  readonly hash: FileHash;
  /** Also verify every contribution of phase 1, which takes hours for large files. Default false: the hash stands for it. */
  readonly verifyTranscript?: boolean;
}

/** Copies the file into place after it proved to be the expected one. @throws TacitError SETUP_PTAU_HASH, SETUP_PTAU */
export async function importPowersOfTau({ from, to, hash, verifyTranscript = false }: ImportPowersOfTau): Promise<void> {
  await checkFileHash(from, hash);
  if (verifyTranscript) {
    const { value, messages } = await runSnarkjs('powersOfTau.verify', from);
    if (value !== true)
      throw new TacitError('SETUP_PTAU', 'transcript of phase 1 does not verify', { got: messages.at(-1) ?? 'no reason' });
  }
  const partial = `${to}.${process.pid}.partial`;
  try {
    await copyFile(from, partial);
    // The copy is what will be used, so the copy is what was checked.
    await checkFileHash(partial, hash);
    await rename(partial, to);
  } finally {
    await rm(partial, { force: true });
  }
}

/** @throws TacitError SNARKJS_FAILED, SETUP_PHASE2 when the file is too small for the circuit or not prepared */
export async function startPhase2(r1csPath: string, ptauPath: string, zkeyPath: string): Promise<void> {
  const { value, messages } = await runSnarkjs('zKey.newZKey', r1csPath, ptauPath, zkeyPath);
  if (value === -1) throw new TacitError('SETUP_PHASE2', 'phase 2 cannot start from these files', { got: messages.at(-1) ?? 'no reason' });
}

/**
 * Multiplies δ by a secret that is drawn here and kept nowhere.
 * @param entropy text of the participant's own, mixed with 64 bytes of the system's randomness
 */
export async function contribute(fromZkey: string, toZkey: string, name: string, entropy = ''): Promise<void> {
  await runSnarkjs('zKey.contribute', fromZkey, toZkey, name, `${entropy}${randomBytes(ENTROPY_BYTES).toString('hex')}`);
}

/**
 * @param beaconHex public randomness that nobody knew when the last contribution was made, e.g. a later block's hash
 * @param iterationsExp 2^exp hash iterations, 10 to 63
 * @throws TacitError SETUP_BEACON
 */
export async function applyBeacon(fromZkey: string, toZkey: string, name: string, beaconHex: string, iterationsExp: number): Promise<void> {
  if (!/^([0-9a-f]{2}){1,255}$/i.test(beaconHex))
    throw new TacitError('SETUP_BEACON', 'beacon is not hex', { expected: '1 to 255 bytes of hex without 0x' });
  if (!Number.isInteger(iterationsExp) || iterationsExp < BEACON_EXP.min || iterationsExp > BEACON_EXP.max) {
    throw new TacitError('SETUP_BEACON', 'beacon exponent out of range', {
      expected: `${BEACON_EXP.min} to ${BEACON_EXP.max}`,
      got: String(iterationsExp),
    });
  }
  const { value, messages } = await runSnarkjs('zKey.beacon', fromZkey, toZkey, name, beaconHex, iterationsExp);
  if (value === false) throw new TacitError('SETUP_BEACON', 'beacon was refused', { got: messages.at(-1) ?? 'no reason' });
}

/** snarkjs' verification_key.json of a key. */
export async function exportVerifyingKey(zkeyPath: string): Promise<unknown> {
  return (await runSnarkjs('zKey.exportVerificationKey', zkeyPath)).value;
}
