/**
 * The one error family of the project.
 *
 * Every error says in one short sentence what went wrong and, where there is such a thing, what was expected and
 * what came. Callers decide by `code` and `retryable`, never by matching text. No secret may be put in any field.
 */

/** Upper-case words joined by underscores, for example `ADDRESS_CHECKSUM`. */
export type ErrorCode = string;

export interface TacitErrorDetails {
  /** What would have been accepted. */
  readonly expected?: string;
  /** What came instead. Never a secret. */
  readonly got?: string;
  /** True when the same call may succeed later without a change. Default false. */
  readonly retryable?: boolean;
  /** A path below `docs/` that explains the matter. */
  readonly docs?: string;
  readonly cause?: unknown;
}

export class TacitError extends Error {
  override readonly name = 'TacitError';
  readonly code: ErrorCode;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly retryable: boolean;
  readonly docs: string | undefined;

  constructor(code: ErrorCode, message: string, details: TacitErrorDetails = {}) {
    super(describe(message, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.expected = details.expected;
    this.got = details.got;
    this.retryable = details.retryable ?? false;
    this.docs = details.docs;
  }

  /** The error as it goes over HTTP or into `--json` output; the cause stays behind. */
  toJSON(): { code: string; message: string; expected?: string; got?: string; retryable: boolean; docs?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.expected === undefined ? {} : { expected: this.expected }),
      ...(this.got === undefined ? {} : { got: this.got }),
      retryable: this.retryable,
      ...(this.docs === undefined ? {} : { docs: this.docs }),
    };
  }
}

export function isTacitError(error: unknown, code?: ErrorCode): error is TacitError {
  return error instanceof TacitError && (code === undefined || error.code === code);
}

/** What came, for `got`: a text in quotes and cut, of anything else only its type. Never throws, whatever JSON held. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_CHARACTERS)) : value === null ? 'null' : typeof value;
}

const SHOWN_CHARACTERS = 40;

function describe(message: string, { expected, got }: TacitErrorDetails): string {
  const parts = [message];
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (got !== undefined) parts.push(`got ${got}`);
  return parts.length === 1 ? message : `${message}: ${parts.slice(1).join(', ')}`;
}
