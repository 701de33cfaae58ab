import { hostname, userInfo } from 'node:os';
import type { Lease } from './kv.js';
import type { Topology } from './topology.js';

/** Milliseconds; Vitess waits as long (`topo.LockTimeout`). */
const lockTimeout = 45_000;

/** Called before each effect under a lock. @throws MigrationError LOCK_LOST when a lock is gone */
export type CheckLocks = () => Promise<void>;

/**
 * Runs `work` while holding the locks that `vtctldclient Migrate` takes, in the same
 * order: the named lock `<keyspace>/<workflow>`, then the lock of the target keyspace.
 * Both are kept alive while `work` runs and given back in any case.
 *
 * @throws MigrationError LOCKED, saying who holds the lock
 */
export function withMigrationLocks<T>(topology: Topology, id: { keyspace: string; workflow: string }, action: string, work: (check: CheckLocks) => Promise<T>): Promise<T> {
  return withLocks(topology, [`${topology.root}/internal/named_locks/${id.keyspace}/${id.workflow}`, keyspacePath(topology, id.keyspace)], action, work);
}

/** The same with the lock of a keyspace alone, of whichever cluster. */
export function withKeyspaceLock<T>(topology: Topology, keyspace: string, action: string, work: (check: CheckLocks) => Promise<T>): Promise<T> {
  return withLocks(topology, [keyspacePath(topology, keyspace)], action, work);
}

async function withLocks<T>(topology: Topology, dirs: readonly string[], action: string, work: (check: CheckLocks) => Promise<T>): Promise<T> {
  const contents = describeLock(action);
  const held: Lease[] = [];
  try {
    for (const dir of dirs) held.push(await topology.kv.lock(dir, contents, lockTimeout));
    return await work(async () => {
      await Promise.all(held.map((lease) => lease.check()));
    });
  } finally {
    for (const lease of held.reverse()) await lease.release();
  }
}

function keyspacePath(topology: Topology, keyspace: string): string {
  return `${topology.root}/keyspaces/${keyspace}`;
}

/** The JSON that Vitess's `topo.Lock` writes, so that `vtctldclient` can say who holds the lock. */
function describeLock(action: string): string {
  const lock = { Action: action, HostName: hostname(), UserName: userInfo().username, Time: new Date().toISOString(), Status: 'Running' };
  return JSON.stringify(lock, null, 2);
}
