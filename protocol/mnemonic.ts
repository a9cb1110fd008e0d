/**
 * BIP-39 phrases in the English word list: the one thing that a person writes down.
 * Source: BIP-39; the implementation is scure's.
 */
import { generateMnemonic as generate, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { TacitError } from './errors.js';

/** 24 words: 256 bits of entropy and 8 of checksum. */
export const MNEMONIC_STRENGTH_BITS = 256;

/** A fresh phrase of 24 words from the platform's random source. */
export function generateMnemonic(): string {
  return generate(wordlist, MNEMONIC_STRENGTH_BITS);
}

/**
 * The 64-byte seed of a phrase of 12 to 24 words. Case and spacing of the phrase do not matter.
 * @param passphrase BIP-39's optional extra word; another passphrase is another wallet
 * @throws TacitError MNEMONIC_INVALID on an unknown word, a wrong count or a wrong checksum
 */
export function mnemonicToSeed(words: string, passphrase = ''): Uint8Array {
  const phrase = words.trim().toLowerCase().split(/\s+/).join(' ');
  if (!validateMnemonic(phrase, wordlist)) {
    throw new TacitError('MNEMONIC_INVALID', 'not a valid recovery phrase', {
      expected: '12, 15, 18, 21 or 24 English BIP-39 words with a valid checksum',
      got: `${phrase === '' ? 0 : phrase.split(' ').length} words`,
    });
  }
  return mnemonicToSeedSync(phrase, passphrase);
}
