/**
 * Loaded before the command line (`node --import`): sets the trap that CHAOS_DEATH describes, and writes the passages to the
 * file CHAOS_PASSAGES when the command ends by itself.
 */
import { writeFileSync } from 'node:fs';
import type { WalletDeath } from './walletMessages.js';
import { wrapTheWorld } from './walletTrap.js';

const { CHAOS_DEATH, CHAOS_PASSAGES } = process.env;
const passages = wrapTheWorld(CHAOS_DEATH === undefined ? undefined : (JSON.parse(CHAOS_DEATH) as WalletDeath));
process.once('exit', () => {
  if (CHAOS_PASSAGES !== undefined) writeFileSync(CHAOS_PASSAGES, JSON.stringify(passages));
});
