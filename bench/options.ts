/** Values of a benchmark's options. */

/** @throws RangeError for what is not a whole number up to `most` */
export function numberOption(args: readonly string[], name: string, fallback: number, most: number): number {
  const at = args.indexOf(name);
  if (at < 0) return fallback;
  const value = Number(args[at + 1]);
  if (!Number.isInteger(value) || value < 0 || value > most) throw new RangeError(`${name} takes a whole number up to ${most}`);
  return value;
}

export function textOption(args: readonly string[], name: string, fallback: string): string {
  const at = args.indexOf(name);
  return at < 0 ? fallback : (args[at + 1] ?? fallback);
}
