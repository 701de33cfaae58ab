import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';

/** What a stalled proxy holds back: what clients send, what servers answer, or both. */
export type Direction = 'requests' | 'answers' | 'both';

export interface Address {
  host: string;
  port: number;
}

/** The two sockets of one connection that goes through the proxy. */
interface Pair {
  client: Socket;
  server: Socket;
}

/**
 * A TCP proxy in front of a server, for a network that stalls: `stall` stops forwarding and closes
 * nothing, so that neither side notices; `cut` closes every connection and refuses new ones.
 */
export class TcpProxy {
  readonly #pairs = new Set<Pair>();
  readonly #listener: NetServer;
  #held: { requests: boolean; answers: boolean } = { requests: false, answers: false };
  #refusing = false;

  private constructor(
    readonly address: Address,
    private readonly target: Address,
  ) {
    this.#listener = createServer((client) => this.#accept(client));
  }

  /** Listens at `address` and forwards to `target`, which need not run yet. */
  static async start(address: Address, target: Address): Promise<TcpProxy> {
    const proxy = new TcpProxy(address, target);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen(address, () => resolve());
    });
    return proxy;
  }

  /** Stops forwarding, in connections made from now on as well. Nothing is closed, nothing is lost. */
  stall(direction: Direction = 'both'): void {
    this.#hold({ requests: direction !== 'answers', answers: direction !== 'requests' });
  }

  /** Closes every connection at once and refuses new ones, until `resume`. */
  cut(): void {
    this.#refusing = true;
    this.#closeAll();
  }

  /** Forwards again, with what has been held back first. */
  resume(): void {
    this.#refusing = false;
    this.#hold({ requests: false, answers: false });
  }

  /** Ends for good. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    this.#closeAll();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target);
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      // Of a stalled pair, neither side is to learn what has become of the other.
      socket.on('close', () => {
        if (!this.#held.requests && !this.#held.answers) end();
      });
    }
    if (!this.#held.requests) client.pipe(server);
    if (!this.#held.answers) server.pipe(client);
  }

  #hold(held: { requests: boolean; answers: boolean }): void {
    for (const { client, server } of this.#pairs) {
      if (held.requests !== this.#held.requests) turn(client, server, held.requests);
      if (held.answers !== this.#held.answers) turn(server, client, held.answers);
    }
    this.#held = held;
  }

  #closeAll(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }
}

/** Holds back what `from` sends, or lets it go on to `to`; a side that has gone meanwhile takes the other with it. */
function turn(from: Socket, to: Socket, hold: boolean): void {
  if (hold) {
    from.unpipe(to);
    from.pause();
  } else if (from.destroyed || to.destroyed) {
    from.destroy();
    to.destroy();
  } else {
    from.pipe(to);
  }
}
