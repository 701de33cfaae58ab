import type { Lease as EtcdLease } from 'etcd3';
import { claimLost, Stopwatch, type LockKey } from '../claims.js';
import type { Lease } from './kv.js';

/** Seconds: how long a lock outlives a killed worker. A live worker keeps it alive. */
export const leaseTtl = 10;
/** Milliseconds of the time to live in which no call is sent any more, so that it arrives while the lease lasts. */
const margin = 1_000;

export type GrantedLease = Pick<EtcdLease, 'on' | 'grant' | 'keepaliveOnce' | 'revoke' | 'release'>;

/** A lock in etcd: a key below `<dir>/locks/` that lives as long as its lease. */
export class EtcdLock implements Lease {
  /** Since the request of the last renewal that etcd has granted: its own clock for the lease began later. */
  private renewed = new Stopwatch();
  /** Renewals that have been asked for, in the order in which etcd answers them. */
  private asked: Stopwatch[] = [];
  private key = '';
  /** What etcd says counts also where the clocks stood still with the process. */
  private lost = false;

  /** @param lease just made: it is being granted */
  constructor(
    private readonly lease: GrantedLease,
    private readonly dir: string,
    private readonly place: Omit<LockKey, 'key'>,
    private readonly callTimeout: number,
  ) {
    lease.on('keepaliveEstablished', () => (this.asked = []));
    lease.on('keepaliveFired', () => this.asked.push(new Stopwatch()));
    lease.on('lost', () => (this.lost = true));
    lease.on('keepaliveSucceeded', () => this.renew(this.asked.shift()));
  }

  /** Known when the lease has been granted. */
  get lock(): LockKey {
    return { ...this.place, key: this.key };
  }

  /** The key of the lock, which its ID gives. */
  async granted(): Promise<string> {
    this.key = `${this.dir}/locks/${await this.lease.grant()}`;
    return this.key;
  }

  async check(): Promise<void> {
    const asked = new Stopwatch();
    // A stream has no deadline of its own: on a stalled connection it would wait for ever.
    await this.lease.keepaliveOnce({ deadline: Date.now() + this.callTimeout }).catch((cause: unknown) => {
      throw claimLost(`the lock on ${this.dir} has been lost`, this.place, cause);
    });
    this.renew(asked);
    this.assert();
  }

  assert(): void {
    if (this.lost) throw claimLost(`the lock on ${this.dir} has been lost`, this.place);
    const { elapsed } = this.renewed;
    if (elapsed > leaseTtl * 1000 - margin)
      throw claimLost(
        `the lock on ${this.dir} has not been renewed for ${(elapsed / 1000).toFixed(1)} s, and may be another's`,
        this.place,
      );
  }

  async release(): Promise<void> {
    // If this call does not get through, the lease ends after its time to live.
    await this.lease.revoke({ deadline: Date.now() + this.callTimeout }).catch(() => this.lease.release());
  }

  private renew(asked: Stopwatch | undefined): void {
    if (asked !== undefined && asked.elapsed < this.renewed.elapsed) this.renewed = asked;
  }
}
