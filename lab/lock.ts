import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A lock that is held until `release`, or until this process dies. */
export interface Held {
  release(): Promise<void>;
}

/**
 * Takes the named lock, or answers undefined when a live process (this one included) holds it.
 *
 * The lock is a listening socket in Linux's abstract namespace: the kernel gives it to one
 * process only and takes it back when that process dies, however it dies. A lock file would need
 * a rule for stale ones, and every such rule has a race.
 */
export function tryLock(name: string): Promise<Held | undefined> {
  // Socket names are limited to 107 bytes; paths are longer.
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 40);
  return new Promise((resolve, reject) => {
    const socket = createServer();
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    socket.listen(`\0vtmigrate/${digest}`, () => {
      socket.unref();
      resolve({
        release: () => new Promise((done) => socket.close(() => done())),
      });
    });
  });
}

/** Takes the named lock, waiting for whoever holds it; `onWait` is called once if it has to. */
export async function lock(name: string, onWait?: () => void): Promise<Held> {
  let held = await tryLock(name);
  if (held === undefined) onWait?.();
  while (held === undefined) {
    await delay(300);
    held = await tryLock(name);
  }
  return held;
}
