import { setTimeout as sleep } from 'node:timers/promises';
import { assertClaims, claimLost, locksIn, type LockKey } from '../../../src/vitess/claims.js';
import { lockedBy } from '../../../src/vitess/topology/lock-contents.js';
import { absent, type Entry, type Head, type Kv, type Lease } from '../../../src/vitess/topology/kv.js';
import { hurried, type Pace } from './pace.js';

/** etcd's default limit of a request. */
const mostBytes = 1.5 * 1024 * 1024;

interface Stored {
  value: Uint8Array;
  modified: number;
  created: number;
}

/** What an etcd server holds, in memory: keys with revisions, and locks under leases. */
export class FakeEtcd {
  private readonly entries = new Map<string, Stored>();
  private readonly leases = new Map<string, FakeLease>();
  private revision = 1;
  private lastLease = 0;

  constructor(readonly pace: Pace = hurried) {}

  /** A client of this server, for the cluster named. */
  open(server: string, cluster: string): FakeKv {
    return new FakeKv(this, server, cluster);
  }

  read(key: string): Stored | undefined {
    return this.entries.get(key);
  }

  /** In the order of their keys. */
  below(prefix: string): [string, Stored][] {
    return [...this.entries].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  write(key: string, value: Uint8Array): void {
    this.revision++;
    this.entries.set(key, {
      value: Uint8Array.from(value),
      modified: this.revision,
      created: this.entries.get(key)?.created ?? this.revision,
    });
  }

  remove(key: string): void {
    if (this.entries.delete(key)) this.revision++;
  }

  hasRevision(key: string, revision: string): boolean {
    return String(this.entries.get(key)?.modified ?? absent) === revision;
  }

  grant(dir: string, store: Omit<LockKey, 'key'>): FakeLease {
    const key = `${dir}/locks/${(++this.lastLease).toString(16).padStart(16, '0')}`;
    const lease = new FakeLease(this, { ...store, key }, dir);
    this.leases.set(key, lease);
    return lease;
  }

  /** Ends the lease of the lock that is held on a path, as an operator does with `etcdctl lease revoke`. */
  revoke(dir: string): void {
    const [oldest] = this.queue(dir);
    if (oldest !== undefined) this.leases.get(oldest)?.expire();
  }

  /** The keys of those who hold or want a lock, the holder first. */
  queue(dir: string): string[] {
    return this.below(`${dir}/locks/`)
      .sort(([, a], [, b]) => a.created - b.created)
      .map(([key]) => key);
  }
}

/** A lock's lease. Its holder keeps it alive until it lets go, or dies. */
export class FakeLease implements Lease {
  private expired = false;

  constructor(
    private readonly etcd: FakeEtcd,
    readonly lock: LockKey,
    private readonly dir: string,
  ) {}

  get key(): string {
    return this.lock.key;
  }

  check(): Promise<void> {
    return Promise.resolve().then(() => this.assert());
  }

  /** The holder's clocks tell it so when it has stood still for so long. */
  assert(): void {
    if (this.expired) throw claimLost(`the lock on ${this.dir} has been lost`, {});
  }

  release(): Promise<void> {
    this.expire();
    return Promise.resolve();
  }

  expire(): void {
    this.expired = true;
    this.etcd.remove(this.key);
  }

  /** The holder is gone: nobody keeps the lease alive any more. */
  die(): void {
    setTimeout(() => this.expire(), this.etcd.pace.leaseTtl).unref();
  }
}

/** The client of a `FakeEtcd`; it keeps to the contract that `EtcdKv` keeps to (test/contract). */
export class FakeKv implements Kv {
  constructor(
    private readonly etcd: FakeEtcd,
    readonly server: string,
    private readonly cluster: string,
  ) {}

  async get(key: string): Promise<Entry | undefined> {
    await Promise.resolve();
    const stored = this.etcd.read(key);
    return stored === undefined ? undefined : toEntry(key, stored);
  }

  async list(prefix: string): Promise<Entry[]> {
    await Promise.resolve();
    return this.etcd.below(prefix).map(([key, stored]) => toEntry(key, stored));
  }

  async heads(prefix: string): Promise<Head[]> {
    await Promise.resolve();
    return this.etcd.below(prefix).map(([key, { modified }]) => ({ key, revision: String(modified) }));
  }

  async put(key: string, value: Uint8Array, revision: string): Promise<boolean> {
    await Promise.resolve();
    this.assertLocks();
    // As etcd says it, for a request above --max-request-bytes.
    if (value.length > mostBytes) throw new Error('etcdserver: request is too large');
    if (!this.etcd.hasRevision(key, revision)) return false;
    this.etcd.write(key, value);
    return true;
  }

  async delete(key: string, revision: string, below?: string): Promise<boolean> {
    await Promise.resolve();
    this.assertLocks();
    if (revision === absent || !this.etcd.hasRevision(key, revision)) return false;
    const others = below === undefined ? [] : this.etcd.below(below).map(([each]) => each);
    for (const each of new Set([key, ...others])) this.etcd.remove(each);
    return true;
  }

  async lock(dir: string, contents: string, timeoutMs: number): Promise<FakeLease> {
    const lease = this.etcd.grant(dir, { cluster: this.cluster, server: this.server });
    this.etcd.write(lease.key, Buffer.from(contents));
    for (const deadline = Date.now() + timeoutMs; ;) {
      const [holder] = this.etcd.queue(dir);
      if (holder === lease.key) return lease;
      if (Date.now() > deadline) {
        await lease.release();
        throw lockedBy(dir, this.etcd.read(holder ?? '')?.value ?? new Uint8Array(), {
          cluster: this.cluster,
          server: this.server,
        });
      }
      await sleep(this.etcd.pace.lockPoll);
    }
  }

  close(): void {
    // Nothing is open.
  }

  private assertLocks(): void {
    assertClaims();
    for (const lock of locksIn({ cluster: this.cluster, server: this.server }))
      if (this.etcd.read(lock) === undefined) throw claimLost(`the lock ${lock} has been lost`, {});
  }
}

function toEntry(key: string, { value, modified }: Stored): Entry {
  return { key, value: Uint8Array.from(value), revision: String(modified) };
}
