/** An address behind which servers change: what a load balancer, a floating address or a sentinel's answer is to a client. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpSwitch {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param port on this machine */
  static async start(port: number): Promise<TcpSwitch> {
    const front = new TcpSwitch(port);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections of now end; those of later lead to `port`. */
  turn(port: number): void {
    this.#port = port;
    for (const socket of this.#open) socket.destroy();
  }

  async stop(): Promise<void> {
    this.turn(this.#port);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(from);
      from.on('error', () => {});
      from.once('close', () => {
        this.#open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
