import { hostname, userInfo } from 'node:os';
import type { Lease } from './kv.js';
import type { Topology } from './topology.js';

/** Milliseconds; Vitess waits as long (`topo.LockTimeout`). */
const lockTimeout = 45_000;

/**
 * Runs `work` while holding the locks that `vtctldclient Migrate` takes, in the same
 * order: the named lock `<keyspace>/<workflow>`, then the lock of the target keyspace.
 * Both are kept alive while `work` runs and given back in any case.
 *
 * @param work gets `check`, which throws LOCK_LOST when a lock is gone: call it before each effect
 * @throws MigrationError LOCKED, saying who holds the lock
 */
export async function withMigrationLocks<T>(
  topology: Topology,
  id: { keyspace: string; workflow: string },
  action: string,
  work: (check: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const contents = describeLock(action);
  const held: Lease[] = [];
  try {
    for (const dir of [`${topology.root}/internal/named_locks/${id.keyspace}/${id.workflow}`, `${topology.root}/keyspaces/${id.keyspace}`]) {
      held.push(await topology.kv.lock(dir, contents, lockTimeout));
    }
    return await work(async () => {
      await Promise.all(held.map((lease) => lease.check()));
    });
  } finally {
    for (const lease of held.reverse()) await lease.release();
  }
}

/** The JSON that Vitess's `topo.Lock` writes, so that `vtctldclient` can say who holds the lock. */
function describeLock(action: string): string {
  const lock = { Action: action, HostName: hostname(), UserName: userInfo().username, Time: new Date().toISOString(), Status: 'Running' };
  return JSON.stringify(lock, null, 2);
}
