/** A server that does nothing but answer, always the same: what pollers cost where nobody has to know anything (pollers.ts). */
import { createServer } from 'node:http';

/** The gateway's, which is Fastify's default. */
const KEEP_ALIVE_MS = 72_000;

process.once('message', (body: string) => {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (_request, response) => {
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  });
});
process.once('disconnect', () => process.exit(0));
