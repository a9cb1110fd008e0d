/**
 * What a note's ciphertext says: 32 bytes, value(16) ‖ asset(4) ‖ memo(12), big-endian, under ChaCha20.
 *
 * The key serves one ciphertext only (see onetime.ts), so the nonce is constant. There is no tag: the receiver drops
 * what names an unknown asset, then recomputes the commitment and accepts only an exact match; the transfer's
 * signature covers the bytes. Source: RFC 8439.
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { ByteReader, bytesToHex, concatBytes, uintToBytes } from './bytes.js';
import { TacitError } from './errors.js';
import type { Amount, AssetId } from './flavor.js';
import { assertAmount, assertAsset } from './note.js';

export const CIPHERTEXT_BYTES = 32;
export const MEMO_BYTES = 12;
const VALUE_BYTES = 16;
const ASSET_BYTES = 4;
const NONCE = new Uint8Array(12);
/**
 * Characters that a memo may not have: control and format characters, halves of surrogate pairs, line and paragraph
 * separators. A memo comes from
 * a stranger and ends on a terminal or in a page, where these could rewrite, hide or reverse what stands around them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

export interface NoteContents {
  readonly asset: AssetId;
  readonly value: Amount;
  /** 12 bytes. */
  readonly memo: Uint8Array;
}

/** @param key 32 bytes from `streamKey`, never used for another text */
export function encryptNote(contents: NoteContents, key: Uint8Array): Uint8Array {
  assertAmount(contents.value);
  assertAsset(contents.asset);
  if (contents.memo.length !== MEMO_BYTES) throw memoSize(`${contents.memo.length} bytes`);
  return chacha20(
    key,
    NONCE,
    concatBytes(uintToBytes(contents.value, VALUE_BYTES), uintToBytes(contents.asset, ASSET_BYTES), contents.memo),
  );
}

/** Any 32 bytes decrypt to something; only a matching commitment makes it true. @throws TacitError BYTES_SIZE */
export function decryptNote(ciphertext: Uint8Array, key: Uint8Array): NoteContents {
  if (ciphertext.length !== CIPHERTEXT_BYTES)
    throw new TacitError('BYTES_SIZE', 'ciphertext has the wrong size', { expected: '32 bytes', got: String(ciphertext.length) });
  const reader = new ByteReader(chacha20(key, NONCE, ciphertext), 'note contents');
  return { value: reader.uint(VALUE_BYTES), asset: reader.small(ASSET_BYTES), memo: reader.take(MEMO_BYTES) };
}

/**
 * UTF-8, padded with zeros on the right.
 * @throws TacitError MEMO_SIZE over 12 bytes, MEMO_TEXT on control and format characters (zero among them, which would be
 * taken for padding), line separators, and halves of surrogate pairs
 */
export function encodeMemo(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > MEMO_BYTES) throw memoSize(`${bytes.length} bytes`);
  if (UNPRINTABLE.test(text))
    throw new TacitError('MEMO_TEXT', 'memo has a character that cannot be shown', { expected: 'printable text on one line' });
  const memo = new Uint8Array(MEMO_BYTES);
  memo.set(bytes);
  return memo;
}

/** The text, or `0x…` and all bytes when they are not what `encodeMemo` makes: safe to show either way. */
export function decodeMemo(memo: Uint8Array): string {
  let end = memo.length;
  while (end > 0 && memo[end - 1] === 0) end--;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(memo.slice(0, end));
    return UNPRINTABLE.test(text) ? bytesToHex(memo) : text;
  } catch {
    return bytesToHex(memo);
  }
}

function memoSize(got: string): TacitError {
  return new TacitError('MEMO_SIZE', 'memo too long', { expected: `at most ${MEMO_BYTES} bytes of UTF-8`, got });
}
