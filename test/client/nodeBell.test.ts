/** Who waits is woken by the node's events, by those about its own transfer only, and by none that it could miss. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NodeBell, openBell } from '../../client/nodeBell.js';
import { GatewayClient } from '../../queue/gatewayClient.js';

const [MINE, OTHER] = [`0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`];
/** Longer than the test may take: whoever waits so long was not woken. */
const NEVER = { quietMs: 600_000, toldMs: 600_000 };

let server: Server;
let streams: ServerResponse[];
let node: GatewayClient;
let bells: NodeBell[];

beforeEach(async () => {
  streams = [];
  bells = [];
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(':hello\n\n');
    streams.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node = new GatewayClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(() => {
  for (const bell of bells) bell.close();
  server.closeAllConnections();
  server.close();
});

function open(id: string): NodeBell {
  const bell = openBell(node, id);
  bells.push(bell);
  return bell;
}

async function stream(): Promise<ServerResponse> {
  while (streams.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return streams[0] as ServerResponse;
}

async function tell(...ids: string[]): Promise<void> {
  const response = await stream();
  for (const id of ids) response.write(`event: transfer\ndata: ${JSON.stringify({ type: 'transfer', transfer: { id } })}\n\n`);
}

describe('waiting for a node’s word', () => {
  it('ends with an event about the transfer, not with one about another', async () => {
    const mine = open(MINE);
    const woken: string[] = [];
    const waits = [
      open(OTHER)
        .wait(NEVER)
        .then(() => woken.push('other')),
      mine.wait(NEVER).then(() => woken.push('mine')),
    ];
    await tell(OTHER);
    await waits[0];
    expect(woken).toEqual(['other']);
    await tell(MINE);
    await waits[1];
    expect(woken).toEqual(['other', 'mine']);
  });

  it('does not miss what is told between two waits', async () => {
    const [mine, other] = [open(MINE), open(OTHER)];
    await tell(MINE, OTHER);
    await other.wait(NEVER);
    await mine.wait(NEVER);
  });

  it('ends with a settlement that holds the transfer, and with a gap in the events', async () => {
    const mine = open(MINE);
    const settlement = { type: 'settlement', settlement: { transfers: [MINE] } };
    (await stream()).write(`event: settlement\ndata: ${JSON.stringify(settlement)}\n\n`);
    await mine.wait(NEVER);
    (await stream()).write('event: reset\ndata: {}\n\n');
    await mine.wait(NEVER);
  });

  it('asks at its own pace where nothing is told', async () => {
    await open(MINE).wait({ ...NEVER, quietMs: 1 });
  });

  it('shares one stream, and ends it with the last who waits', async () => {
    const [first, second] = [open(MINE), open(OTHER)];
    const ended = new Promise<void>((resolve) => void stream().then((response) => response.on('close', resolve)));
    await tell(MINE);
    await first.wait(NEVER);
    first.close();
    await tell(OTHER);
    await second.wait(NEVER);
    expect(streams).toHaveLength(1);
    second.close();
    await ended;
  });
});
