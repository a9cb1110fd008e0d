/**
 * JSON schemas of the files that other programs may read or write, made from the definitions that this one reads by.
 */
import { z } from 'zod';
import { batchSchema } from '../verifier-contract/batchFile.js';
import { archiveSchema } from './archive.js';

/** File name under docs/schemas/ → schema (JSON Schema 2020-12). */
export function publishedSchemas(): Record<string, unknown> {
  return {
    'archive.schema.json': describe(
      archiveSchema,
      'Tacit archive',
      'What L1 says about one rollup contract: all that an offline audit needs.',
    ),
    'batch.schema.json': describe(
      batchSchema,
      'Tacit batch',
      'The fold of one settlement: every proof with its public list, and the keys.',
    ),
  };
}

function describe(schema: z.ZodType, title: string, description: string): unknown {
  const { $schema, ...rest } = z.toJSONSchema(schema) as { $schema?: string };
  return { $schema, title, description, ...rest };
}
