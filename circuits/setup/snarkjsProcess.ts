/** The other end of snarkjsChild.ts: takes one request, answers, leaves. */
import type { SnarkjsReply, SnarkjsRequest } from './snarkjsChild.js';

type Log = (message: unknown) => void;
type Library = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>;

const PACKAGE: string = 'snarkjs';

process.once('message', (request: SnarkjsRequest) => {
  perform(request).then(
    (reply) => process.send?.(reply, () => process.exit(0)),
    () => process.exit(1),
  );
});

async function perform({ call, args }: SnarkjsRequest): Promise<SnarkjsReply> {
  const messages: string[] = [];
  const note: Log = (message) => messages.push(String(message));
  // Some findings of snarkjs' verifiers go to the console only.
  console.log = note;
  const logger = { info: note, warn: note, error: note, debug: () => {} };
  try {
    const library = (await import(PACKAGE)) as Library;
    const [area, name] = call.split('.') as [string, string];
    return { value: await library[area]![name]!(...args, logger), messages };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error), messages };
  }
}
