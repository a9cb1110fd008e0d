/**
 * Which statement does a failed witness calculation name? The calculator reports templates and lines, innermost first;
 * the circuits write the ids of the statements on those lines. A template that serves two statements names both, and the
 * line that uses it says which.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../circuits/paths.js';
import { isTacitError } from '../../../protocol/errors.js';

const LIB = join(packageRoot(), 'circuits', 'lib');
let linesByTemplate: Map<string, string[]> | undefined;

function templates(): Map<string, string[]> {
  if (linesByTemplate !== undefined) return linesByTemplate;
  linesByTemplate = new Map();
  for (const file of readdirSync(LIB)) {
    const text = readFileSync(join(LIB, file), 'utf8');
    for (const [, name] of text.matchAll(/^template (\w+)/gm)) linesByTemplate.set(name!, text.split('\n'));
  }
  return linesByTemplate;
}

/** Runs the calculation; `none` when it succeeds, else the first line's ids, e.g. `T4` or `U4, U5, U7`. */
export async function brokenStatement(calculation: Promise<unknown>): Promise<string> {
  try {
    await calculation;
    return 'none';
  } catch (error) {
    if (!isTacitError(error, 'WITNESS_ASSERTION')) throw error;
    let named: string[] = [];
    for (const [, template, line] of error.message.matchAll(/Error in template (\w+)_\d+ line: (\d+)/g)) {
      const comment = templates()
        .get(template!)
        ?.[Number(line) - 1]?.match(/\/\/ (.*)$/)?.[1];
      const ids = comment?.match(/[TU]\d+(–[TU]\d+)?/g) ?? [];
      const narrows = ids.length > 0 && ids.length < named.length && ids.every((id) => named.includes(id));
      if (named.length === 0 || narrows) named = ids;
    }
    if (named.length > 0) return named.join(', ');
    return `unnamed: ${error.message}`;
  }
}
