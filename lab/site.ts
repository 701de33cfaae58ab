import { Ports } from './ports.js';
import { Server, type ServerSpec } from './process.js';
import { TcpProxy, type Address } from './proxy.js';

// Short, as the data is thrown away.
const GRACE_MS = 2_000;

/** The servers that belong together, with their folder and ports: they end together. */
export class Site {
  readonly folder: string;
  readonly ports = new Ports();
  readonly #servers: Server[] = [];
  readonly #proxies: TcpProxy[] = [];
  #closed: Promise<void> | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts a server; once the site is closed, refuses. */
  async start(spec: ServerSpec): Promise<Server> {
    if (this.#closed !== undefined) throw new Error(`${spec.name} is not started: its lab is stopping.`);
    const server = new Server(spec);
    this.#servers.push(server);
    await server.start();
    return server;
  }

  /** Starts a proxy that ends with the site. */
  async proxy(address: Address, target: Address): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(address, target);
    this.#proxies.push(proxy);
    return proxy;
  }

  /**
   * Waits for steps that run side by side. When one fails, the others are cut short, and its
   * error is thrown when nothing is under way any more.
   */
  async together<T>(steps: readonly Promise<T>[]): Promise<T[]> {
    for (const step of steps) step.catch(() => this.close());
    const first = Promise.all(steps);
    first.catch(() => undefined);
    await Promise.allSettled(steps);
    return first;
  }

  /** Stops every server: those that need others first. */
  close(): Promise<void> {
    this.#closed ??= this.#stopAll();
    return this.#closed;
  }

  async #stopAll(): Promise<void> {
    const dependent = this.#servers.filter((server) => server.needsOthers);
    await Promise.all(dependent.map((server) => server.stop(GRACE_MS)));
    await Promise.all(this.#servers.map((server) => server.stop(GRACE_MS)));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await this.ports.release();
  }
}
