/**
 * Zod shapes of everything that comes from outside: fixed-width hex, sealed jobs, submissions.
 *
 * Upper-case hex is refused, not normalised: one value, one spelling, so that "same content" can be decided by comparing
 * text. Unknown members are refused too, for the same reason.
 */
import { z } from 'zod';
import { TacitError } from '../protocol/errors.js';
import { SEAL_MAX_RECIPIENTS } from '../protocol/seal.js';
import type { Submission } from './service.js';

/** `0x` and exactly `sizeBytes` bytes in lower-case digits. */
export function hexOf(sizeBytes: number) {
  return z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * sizeBytes}}$`), `expected 0x and ${2 * sizeBytes} lower-case hex digits`);
}

/** Whole bytes of any length up to `maxBytes`. */
export function hexUpTo(maxBytes: number) {
  return z
    .string()
    .max(2 + 2 * maxBytes, `expected at most ${maxBytes} bytes`)
    .regex(/^0x([0-9a-f]{2})+$/, 'expected 0x and lower-case hex digits');
}

export const word = hexOf(32);
export const address = hexOf(20);
export const proofBytes = hexOf(256);

/** A packed record without its proof (protocol/record.ts): at most 240 bytes and 40 more for a withdrawal. */
const MAX_RECORD_BYTES = 280;
/** Plaintext of a sealed transfer is some 7 kB, padded; the limit leaves room and keeps a hostile one out. */
const MAX_SEALED_BYTES = 32 * 1024;
/** Content key and tag. */
const WRAPPED_BYTES = 48;
const NONCE_BYTES = 24;

export const sealedJobShape = z.strictObject({
  recordHash: word,
  rosterId: word,
  expiry: z.int().positive(),
  recipients: z
    .array(z.strictObject({ address, ephemeral: word, wrapped: hexOf(WRAPPED_BYTES) }))
    .min(1)
    .max(SEAL_MAX_RECIPIENTS),
  nonce: hexOf(NONCE_BYTES),
  ciphertext: hexUpTo(MAX_SEALED_BYTES),
});

const submissionBase = { id: word, record: hexUpTo(MAX_RECORD_BYTES), pairedWith: word.optional() };

export const submissionShape = z.union([
  z.strictObject({
    ...submissionBase,
    proof: z.strictObject({ circuit: z.literal('transfer_1'), anchor: word, prover: address, h: word, proof: proofBytes }),
  }),
  z.strictObject({ ...submissionBase, sealed: sealedJobShape, anchor: word }),
]);

/** @throws TacitError SUBMISSION_MALFORMED naming the first member that is wrong */
export function parseSubmission(value: unknown): Submission {
  const shape = typeof value === 'object' && value !== null && 'sealed' in value ? submissionShape.options[1] : submissionShape.options[0];
  const submission = parseWith<Submission>(shape, value, 'SUBMISSION_MALFORMED', 'submission');
  if (submission.sealed !== undefined && submission.sealed.recordHash !== submission.id) {
    throw new TacitError('SUBMISSION_MALFORMED', 'sealed for another record', {
      expected: submission.id,
      got: submission.sealed.recordHash,
    });
  }
  return submission;
}

/**
 * Runs a shape and turns its complaint into the one error family.
 * The value itself is not put into the message: it may be large, and a job may be secret.
 */
export function parseWith<T>(shape: z.ZodType, value: unknown, code: string, what: string): T {
  const parsed = safely(shape, value, code, what);
  if (parsed.success) return parsed.data as T;
  const issue = parsed.error.issues[0];
  throw new TacitError(code, `malformed ${what} at ${issue?.path.join('.') || 'the top'}`, { expected: issue?.message ?? 'another shape' });
}

/** A value nested many thousand times deep ends the stack before it ends itself. */
function safely(shape: z.ZodType, value: unknown, code: string, what: string): ReturnType<z.ZodType['safeParse']> {
  try {
    return shape.safeParse(value);
  } catch (cause) {
    throw new TacitError(code, `malformed ${what}`, { expected: 'a value that is not nested so deeply', cause });
  }
}

/** A zod shape as JSON schema for the description. */
export function documented(shape: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io: 'input' }) as Record<string, unknown>;
  return schema;
}
