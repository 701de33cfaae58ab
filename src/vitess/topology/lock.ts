import { setTimeout as sleep } from 'node:timers/promises';
import type { LockFacts } from '../../migration/preflight/facts.js';
import { underClaims } from '../claims.js';
import type { Entry, Kv, Lease } from './kv.js';
import { describeHolder, lockHolder, ownContents, type LockHolder } from './lock-contents.js';

/** Milliseconds; Vitess waits as long (`topo.LockTimeout`). */
const lockTimeout = 45_000;
/** Milliseconds: longer than a tablet needs to release the lock of a VDiff that it has stopped. */
const releaseTime = 5_000;

/** The part of a cluster's topology that holds locks. */
interface LockStore {
  readonly name: string;
  readonly root: string;
  readonly kv: Kv;
}

interface MigrationId {
  keyspace: string;
  workflow: string;
}

/** A migration to lock. */
interface LanesToLock extends MigrationId {
  /** The Vitess workflows of its lanes; only the one of its own name without them. */
  workflows?: readonly string[];
}

/**
 * Proof that this process holds the lock of a keyspace. Only the functions of this file make one, so whatever
 * takes it as an argument runs under the lock.
 */
class KeyspaceLock {
  constructor(
    /** How errors name the cluster: `target`, or the mount's name. */
    readonly cluster: string,
    readonly keyspace: string,
    private readonly leases: readonly Lease[],
  ) {}

  /** To be called before each effect: a lease may have run out. @throws MigrationError LOCK_LOST */
  async check(): Promise<void> {
    await checkAll(this.leases);
  }
}

async function checkAll(leases: readonly Lease[]): Promise<void> {
  await Promise.all(leases.map((lease) => lease.check()));
}

/** Proof that this process holds the locks of a migration: those of its workflows' names and of its target keyspace. */
class MigrationLocks extends KeyspaceLock {
  readonly workflow: string;

  constructor(cluster: string, id: MigrationId, leases: readonly Lease[]) {
    super(cluster, id.keyspace, leases);
    this.workflow = id.workflow;
  }
}

// As types only: the constructors stay here.
export type { KeyspaceLock, MigrationLocks };

/**
 * Runs `work` while holding the locks that `vtctldclient Migrate` takes, in the same order: the named lock
 * `<keyspace>/<workflow>` of each lane, then the lock of the target keyspace. They are kept alive while `work` runs,
 * and released in any case. What `work` calls goes out only while they hold: see `claims.ts`.
 *
 * @param action what the lock's key says this process is doing
 * @throws MigrationError LOCKED, naming the holder
 */
export function withMigrationLocks<T>(
  target: LockStore,
  id: LanesToLock,
  action: string,
  work: (locks: MigrationLocks) => Promise<T>,
): Promise<T> {
  const dirs = [...locksOfLanes(target, id), keyspacePath(target, id.keyspace)];
  return withLeases(target, dirs, action, (leases) => work(new MigrationLocks(target.name, id, leases)));
}

/**
 * The same with the named locks of the lanes alone, as Vitess's VDiff takes that of its workflow: for work on the
 * streams and on rows that changes nothing of the keyspace.
 */
export function withWorkflowLock<T>(
  target: LockStore,
  id: LanesToLock,
  action: string,
  work: (lock: { check(): Promise<void> }) => Promise<T>,
): Promise<T> {
  return withLeases(target, locksOfLanes(target, id), action, (leases) => work({ check: () => checkAll(leases) }));
}

/** The same with the lock of a keyspace alone, in any cluster. */
export function withKeyspaceLock<T>(
  cluster: LockStore,
  keyspace: string,
  action: string,
  work: (lock: KeyspaceLock) => Promise<T>,
): Promise<T> {
  return withLeases(cluster, [keyspacePath(cluster, keyspace)], action, (leases) =>
    work(new KeyspaceLock(cluster.name, keyspace, leases)),
  );
}

/** A lock that is held, or waited for. */
interface ListedLock extends LockHolder {
  /** The workflow of a named lock; null for the lock of the keyspace. */
  workflow: string | null;
  entry: Entry;
}

/** The locks of a keyspace and of its workflows, as the topology has them now. */
export async function listLocks(cluster: LockStore, keyspace: string): Promise<ListedLock[]> {
  const ofKeyspace = await cluster.kv.list(`${keyspacePath(cluster, keyspace)}/locks/`);
  const prefix = namedLocks(cluster, keyspace);
  const named = await cluster.kv.list(prefix);
  const toLock = (entry: Entry, workflow: string | null) => ({ workflow, entry, ...lockHolder(entry.value) });
  return [
    ...ofKeyspace.map((entry) => toLock(entry, null)),
    ...named.map((entry) => toLock(entry, entry.key.slice(prefix.length).split('/')[0] ?? '')),
  ];
}

/** The current holders of the two locks that Create takes. */
export async function readLocks(target: LockStore, id: MigrationId): Promise<LockFacts[]> {
  const perDir = await Promise.all(
    [namedLock(target, id), keyspacePath(target, id.keyspace)].map(async (dir) => {
      const waiting = await target.kv.list(`${dir}/locks/`);
      const [oldest] = inOrder(waiting);
      if (oldest === undefined) return [];
      const place = { cluster: target.name, keyspace: id.keyspace };
      return [{ place, path: dir.slice(target.root.length + 1), holder: describeHolder(oldest.value) }];
    }),
  );
  return perDir.flat();
}

/**
 * Removes the locks on the workflow's name that VDiffs have left behind. Vitess lets a named lock live for 24
 * hours, so a tablet that dies during its VDiff blocks every other program for that long, its own successor
 * first. To be called when every VDiff of the workflow has been deleted: a live tablet has released its lock by
 * then, or does so within seconds.
 */
export async function removeDeadVDiffLocks(target: LockStore, id: MigrationId): Promise<void> {
  const held = async () =>
    (await target.kv.list(`${namedLock(target, id)}/locks/`)).filter((entry) => isVDiff(entry.value));
  const before = await held();
  if (before.length === 0) return;
  await sleep(releaseTime);
  for (const { key, revision } of await held()) {
    if (before.some((entry) => entry.key === key && entry.revision === revision)) await target.kv.delete(key, revision);
  }
}

/** A lock that a VDiff holds. */
export interface VDiffLock {
  entry: Entry;
  /** Milliseconds since 1970 at which it was asked for; NaN when it does not say. */
  since: number;
}

/** The lock on the workflow's name, if a VDiff holds it. */
export async function vdiffLock(target: LockStore, id: MigrationId): Promise<VDiffLock | undefined> {
  const [entry] = inOrder(await target.kv.list(`${namedLock(target, id)}/locks/`));
  if (entry === undefined || !isVDiff(entry.value)) return undefined;
  return { entry, since: Date.parse(lockHolder(entry.value).since ?? '') };
}

/** The holder first: the keys of locks are written once. */
function inOrder(waiting: readonly Entry[]): Entry[] {
  return waiting.toSorted((a, b) => (BigInt(a.revision) < BigInt(b.revision) ? -1 : 1));
}

/** Only a tablet's VDiff takes a lock for the action `vdiff` (`tableDiffer.initialize`). */
function isVDiff(contents: Uint8Array): boolean {
  return lockHolder(contents).action === 'vdiff';
}

async function withLeases<T>(
  { kv }: LockStore,
  dirs: readonly string[],
  action: string,
  work: (leases: readonly Lease[]) => Promise<T>,
): Promise<T> {
  const contents = ownContents(action);
  const held: Lease[] = [];
  try {
    for (const dir of dirs) held.push(await kv.lock(dir, contents, lockTimeout));
    return await underClaims(held, () => work(held));
  } finally {
    for (const lease of held.toReversed()) await lease.release();
  }
}

function keyspacePath({ root }: LockStore, keyspace: string): string {
  return `${root}/keyspaces/${keyspace}`;
}

function namedLocks({ root }: LockStore, keyspace: string): string {
  return `${root}/internal/named_locks/${keyspace}/`;
}

/** The lock of the migration's own name is the first: its holder is the only one of us that asks for the others. */
function locksOfLanes(target: LockStore, { keyspace, workflow, workflows = [] }: LanesToLock): string[] {
  return [...new Set([workflow, ...workflows])].map((name) => namedLock(target, { keyspace, workflow: name }));
}

function namedLock(cluster: LockStore, { keyspace, workflow }: MigrationId): string {
  return `${namedLocks(cluster, keyspace)}${workflow}`;
}
