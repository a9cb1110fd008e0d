/** Spoiled submissions to a whole node: each is taken or refused by name, and a refused one leaves nothing behind. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { recordHash } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { makeWorld, provenSubmission, recordOf, type World } from '../aggregator/world.js';
import { COSTLY_CASES, fuzzAsync, SLOW_FUZZ_TEST_MS, spoiledJsonText } from './fuzz.js';

let world: World;
let node: RunningNode;
let client: GatewayClient;
beforeAll(async () => {
  world = await makeWorld();
  // Nothing is sealed while the test lasts.
  node = await world.start({ sealAfterMs: 3_600_000 });
  client = new GatewayClient(node.url);
}, 180_000);
afterAll(() => world?.stop(), 60_000);

describe('a node under spoiled submissions', () => {
  it(
    'keeps nothing of what it refuses, not even a reservation',
    async () => {
      const { noteRoot } = await world.rollup.state();
      const honest = recordOf(1);
      const submission = provenSubmission(honest, noteRoot, world.domain);
      const accepted = new Set<string>();
      await fuzzAsync(
        spoiledJsonText(fc.constant(submission)).filter((text) => text !== JSON.stringify(submission)),
        async (body) => {
          const before = node.stats();
          const response = await fetch(`${node.url}/v1/transfers`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          });
          const answer = (await response.json()) as { id?: string; error?: { code?: string } };
          if (response.status === 202) {
            accepted.add(answer.id as string);
            return;
          }
          if (response.status >= 500 || typeof answer.error?.code !== 'string')
            throw new Error(`status ${response.status}: ${JSON.stringify(answer)}`);
          expect(node.stats()).toEqual(before);
        },
        [],
        COSTLY_CASES,
      );
      // Whatever was taken is the same payment in another spelling (of JSON), and nothing else.
      const id = recordHash(honest, world.domain);
      expect([...accepted].filter((one) => one !== id)).toEqual([]);
      if (accepted.size === 0) expect(await client.status(id)).toBeUndefined();
      // No refused rival holds the note.
      expect((await client.submit(submission)).status).toBe('confirmed');
      expect(node.stats().pending).toBe(1);
    },
    SLOW_FUZZ_TEST_MS,
  );
});
