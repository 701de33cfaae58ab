import { setTimeout as sleep } from 'node:timers/promises';
import type { LockFacts } from '../../migration/preflight/facts.js';
import { underClaims } from '../claims.js';
import type { Entry, Kv, Lease } from './kv.js';
import { queueFor } from './lock-queue.js';
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

/** Proof that this process holds locks. Only the functions of this file make one: what takes it runs under them. */
class Held {
  constructor(
    readonly keyspace: string,
    private readonly leases: readonly Lease[],
  ) {}

  /** To be called before each effect: a lease may have run out. @throws MigrationError LOCK_LOST */
  async check(): Promise<void> {
    await Promise.all(this.leases.map((lease) => lease.check()));
  }
}

/** Proof that this process holds the lock of a keyspace. */
class KeyspaceLock extends Held {
  /** @param cluster how errors name it: `target`, or the mount's name */
  constructor(
    readonly cluster: string,
    keyspace: string,
    leases: readonly Lease[],
  ) {
    super(keyspace, leases);
  }
}

/** Proof that this process holds the named locks of a migration. */
class WorkflowLock extends Held {
  constructor(
    readonly workflow: string,
    keyspace: string,
    leases: readonly Lease[],
  ) {
    super(keyspace, leases);
  }
}

// As types only: the constructors stay here.
export type { KeyspaceLock, WorkflowLock };

/**
 * Runs `work` while holding the named lock `<keyspace>/<workflow>` of each lane: no other program changes their
 * streams meanwhile, as every action of `vtctldclient` takes that lock first. They are kept alive while `work` runs,
 * and released in any case. What `work` calls goes out only while they hold: see `claims.ts`.
 * @param action what the lock's key says this process is doing
 * @throws MigrationError LOCKED, naming the holder
 */
export function withWorkflowLock<T>(
  target: LockStore,
  id: LanesToLock,
  action: string,
  work: (lock: WorkflowLock) => Promise<T>,
): Promise<T> {
  return withLeases(target, id.keyspace, locksOfLanes(target, id), action, (leases) =>
    work(new WorkflowLock(id.workflow, id.keyspace, leases)),
  );
}

/**
 * The same with the lock of a keyspace, in any cluster: for changes of its records, and for what must not change while
 * one looks. To be taken after the named locks, as Vitess does, and for a short time: all migrations of the keyspace
 * and Vitess's own programs share it.
 */
export function withKeyspaceLock<T>(
  cluster: LockStore,
  keyspace: string,
  action: string,
  work: (lock: KeyspaceLock) => Promise<T>,
): Promise<T> {
  return withLeases(cluster, keyspace, [keyspacePath(cluster, keyspace)], action, (leases) =>
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

/** Takes the first lock, and then the others. */
async function withLeases<T>(
  { kv, name }: LockStore,
  keyspace: string,
  [first = '', ...others]: readonly string[],
  action: string,
  work: (leases: readonly Lease[]) => Promise<T>,
): Promise<T> {
  const contents = ownContents(action);
  const held: Lease[] = [];
  const take = async (dir: string) => {
    held.push(await queueFor(kv, dir, { cluster: name, keyspace }).lock(contents, lockTimeout));
  };
  try {
    await take(first);
    const taken = await Promise.allSettled(others.map(take));
    for (const each of taken) if (each.status === 'rejected') throw each.reason;
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
