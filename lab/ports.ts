import { createServer } from 'node:net';
import { tryLock, type Held } from './lock.js';

// Below the range from which Linux takes the local ports of outgoing connections.
const FIRST = 20_000;
const LAST = 32_000;

/**
 * The ports of one lab. A port stays reserved until `release`, also while its server is down, so
 * that a server comes back on the same port and two labs side by side never pick the same one.
 */
export class Ports {
  readonly #held: Held[] = [];

  /** Reserves a free port: the preferred one if it is free. */
  async take(preferred?: number): Promise<number> {
    if (preferred !== undefined && (await this.#reserve(preferred))) return preferred;
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
      if (await this.#reserve(port)) return port;
    }
    throw new Error(`No free port found between ${FIRST} and ${LAST}.`);
  }

  /** Gives all ports back. */
  async release(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((held) => held.release()));
  }

  async #reserve(port: number): Promise<boolean> {
    const held = await tryLock(`port ${port}`);
    if (held === undefined) return false;
    // Both, as `localhost` may mean either.
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) {
      this.#held.push(held);
      return true;
    }
    await held.release();
    return false;
  }
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // Any other error (a machine without IPv6) says nothing about the port.
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'EADDRINUSE' && error.code !== 'EACCES'),
    );
    probe.listen({ port, host }, () => probe.close(() => resolve(true)));
  });
}
