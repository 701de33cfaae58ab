import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onPath } from '../run.js';
import { unpackDebian } from './apt.js';
import { cached, installed, sayOnStderr, type Say } from './cache.js';

const ETCD = 'etcd-debian';

/** Makes sure there is an etcd: the one on PATH, else the system release's package, unpacked into the cache. */
export async function installEtcd(say: Say = sayOnStderr): Promise<string> {
  const own = onPath('etcd');
  if (own !== undefined) return own;
  const folder = await cached(ETCD, say, async (target) => {
    say('fetching etcd (a few seconds, once)…');
    const work = join(target, '.apt');
    // Unpacked and not installed: installing would start a service on the very port that is wanted.
    await unpackDebian({ packages: ['etcd-server', 'etcd-client'], skip: /^(?!etcd)/ }, work, target);
    await rm(work, { recursive: true, force: true });
  });
  return etcdBelow(folder);
}

/** The path of etcd, or undefined when it is not installed. */
export function etcdPath(): string | undefined {
  const folder = installed(ETCD);
  return onPath('etcd') ?? (folder === undefined ? undefined : etcdBelow(folder));
}

function etcdBelow(folder: string): string {
  return join(folder, 'usr', 'bin', 'etcd');
}
