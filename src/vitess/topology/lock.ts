import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, Lease } from './kv.js';
import { lockHolder, type LockHolder } from './lock-contents.js';
import type { Topology } from './topology.js';

/** Milliseconds; Vitess waits as long (`topo.LockTimeout`). */
const lockTimeout = 45_000;
/** Milliseconds: longer than a tablet needs to give back the lock of a VDiff that it has stopped. */
const letGo = 5_000;

/** Called before each effect under a lock. @throws MigrationError LOCK_LOST when a lock is gone */
export type CheckLocks = () => Promise<void>;

/**
 * Runs `work` while holding the locks that `vtctldclient Migrate` takes, in the same
 * order: the named lock `<keyspace>/<workflow>`, then the lock of the target keyspace.
 * Both are kept alive while `work` runs and given back in any case.
 *
 * @throws MigrationError LOCKED, saying who holds the lock
 */
export function withMigrationLocks<T>(
  topology: Topology,
  id: { keyspace: string; workflow: string },
  action: string,
  work: (check: CheckLocks) => Promise<T>,
): Promise<T> {
  return withLocks(topology, [namedLock(topology, id), keyspacePath(topology, id.keyspace)], action, work);
}

/** The same with the lock of a keyspace alone, of whichever cluster. */
export function withKeyspaceLock<T>(
  topology: Topology,
  keyspace: string,
  action: string,
  work: (check: CheckLocks) => Promise<T>,
): Promise<T> {
  return withLocks(topology, [keyspacePath(topology, keyspace)], action, work);
}

/** A lock that is held, or waited for. */
export interface HeldLock extends LockHolder {
  /** The workflow of a named lock; null for the lock of the keyspace. */
  workflow: string | null;
  entry: Entry;
}

/** The locks of a keyspace and of its workflows, as they are in the topology now. */
export async function listLocks(topology: Topology, keyspace: string): Promise<HeldLock[]> {
  const ofKeyspace = await topology.kv.list(`${keyspacePath(topology, keyspace)}/locks/`);
  const prefix = namedLocks(topology, keyspace);
  const named = await topology.kv.list(prefix);
  const toLock = (entry: Entry, workflow: string | null): HeldLock => ({ workflow, entry, ...lockHolder(entry.value) });
  return [
    ...ofKeyspace.map((entry) => toLock(entry, null)),
    ...named.map((entry) => toLock(entry, entry.key.slice(prefix.length).split('/')[0] ?? '')),
  ];
}

function namedLocks(topology: Topology, keyspace: string): string {
  return `${topology.root}/internal/named_locks/${keyspace}/`;
}

async function withLocks<T>(
  topology: Topology,
  dirs: readonly string[],
  action: string,
  work: (check: CheckLocks) => Promise<T>,
): Promise<T> {
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

/**
 * Removes the locks on the workflow's name that VDiffs have left behind. Vitess gives a named lock 24
 * hours to live, so a tablet that dies while its VDiff holds it locks out everybody for that long,
 * its own successor first. To be called when every VDiff of the workflow has been deleted: a tablet
 * that lives has let go of its lock by then, or does so within seconds.
 */
export async function removeDeadVDiffLocks(
  topology: Topology,
  id: { keyspace: string; workflow: string },
): Promise<void> {
  const held = async () =>
    (await topology.kv.list(`${namedLock(topology, id)}/locks/`)).filter((entry) => isVDiff(entry.value));
  const before = await held();
  if (before.length === 0) return;
  await sleep(letGo);
  for (const { key, revision } of await held()) {
    if (before.some((entry) => entry.key === key && entry.revision === revision))
      await topology.kv.delete(key, revision);
  }
}

function namedLock(topology: Topology, id: { keyspace: string; workflow: string }): string {
  return `${namedLocks(topology, id.keyspace)}${id.workflow}`;
}

/** Only a tablet's VDiff takes a lock for the action `vdiff` (`tableDiffer.initialize`). */
function isVDiff(contents: Uint8Array): boolean {
  return lockHolder(contents).action === 'vdiff';
}

/** The JSON that Vitess's `topo.Lock` writes, so that `vtctldclient` can say who holds the lock. */
function describeLock(action: string): string {
  const lock = {
    Action: action,
    HostName: hostname(),
    UserName: userInfo().username,
    Time: new Date().toISOString(),
    Status: 'Running',
  };
  return JSON.stringify(lock, null, 2);
}
