/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'wrong' | 'unknown' | 'skipped';
  readonly found: string;
  /** How to mend it. */
  readonly mend?: string;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
