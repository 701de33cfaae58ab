import { MigrationError, type Place } from '../../migration/problem/errors.js';
import type { Kv, Lease } from './kv.js';
import { lockedBy } from './lock-contents.js';

interface Waiting {
  go: () => void;
  refuse: (error: MigrationError) => void;
}

/**
 * The lock on a directory, for the steps of one process: one of them at a time stands in the store's queue, the others
 * wait behind it, first come, first served. So a hundred steps that want it cost no more calls than one, and get it
 * from each other without a wait.
 */
class LockQueue {
  private readonly waiting: Waiting[] = [];
  private taken = false;

  constructor(
    private readonly kv: Kv,
    private readonly dir: string,
    private readonly place: Place,
  ) {}

  /** @throws MigrationError LOCKED when one holder has it for `timeoutMs`; so do all that wait behind */
  async lock(contents: string, timeoutMs: number): Promise<Lease> {
    await this.turn();
    let lease: Lease;
    try {
      lease = await this.kv.lock(this.dir, contents, timeoutMs);
    } catch (error) {
      if (error instanceof MigrationError && error.code === 'LOCKED') this.refuseAll(error);
      this.next();
      throw error;
    }
    const tooLong = setTimeout(() => {
      this.refuseAll(lockedBy(this.dir, Buffer.from(contents), this.place));
    }, timeoutMs).unref();
    return {
      ...(lease.lock === undefined ? {} : { lock: lease.lock }),
      assert: () => {
        lease.assert();
      },
      check: () => lease.check(),
      release: async () => {
        clearTimeout(tooLong);
        try {
          await lease.release();
        } finally {
          this.next();
        }
      },
    };
  }

  private turn(): Promise<void> {
    if (this.taken)
      return new Promise((go, refuse) => {
        this.waiting.push({ go, refuse });
      });
    this.taken = true;
    return Promise.resolve();
  }

  private next(): void {
    const first = this.waiting.shift();
    this.taken = first !== undefined;
    first?.go();
  }

  private refuseAll(error: MigrationError): void {
    for (const { refuse } of this.waiting.splice(0)) refuse(error);
  }
}

const queues = new WeakMap<Kv, Map<string, LockQueue>>();

/** The queue of this process for the lock on a directory of a store. */
export function queueFor(kv: Kv, dir: string, place: Place): LockQueue {
  const ofStore = queues.get(kv) ?? new Map<string, LockQueue>();
  queues.set(kv, ofStore);
  const queue = ofStore.get(dir) ?? new LockQueue(kv, dir, place);
  ofStore.set(dir, queue);
  return queue;
}
