/**
 * Words of which the project's JSON files are made, and a reader that names the first place that does not fit.
 *
 *   counts, block numbers, seconds   JSON numbers       amounts, chain id   decimal strings
 *   fields, hashes, roots            0x + 64 digits     bytes, addresses    0x + lower-case digits
 */
import { z } from 'zod';
import { TacitError } from '../protocol/errors.js';

export const hexBytes = z.string().regex(/^0x(?:[0-9a-f]{2})*$/);
export const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/);
export const address = z.string().regex(/^0x[0-9a-f]{40}$/);
export const decimal = z.string().regex(/^(?:0|[1-9][0-9]{0,77})$/);
export const count = z.int().min(0);

/**
 * @param code of the error when the text is not JSON of the schema
 * @throws TacitError `code`
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>, code: string, message: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TacitError(code, message, { expected: 'JSON', cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new TacitError(code, message, { got: `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, cause: result.error });
}
