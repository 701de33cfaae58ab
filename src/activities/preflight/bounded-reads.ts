import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationError, type Place } from '../../migration/problem/errors.js';

/** Bounds of the reads of one preflight; times are in milliseconds. */
export interface Bounds {
  /** Reads under way at once, over all servers. */
  atOnce: number;
  /** Between the two tries of a read. */
  betweenTries: number;
  /** For one read, which may be many calls in a row. */
  timeout: number;
}

const defaultBounds: Bounds = { atOnce: 32, betweenTries: 500, timeout: 60_000 };

/** A value, or the error by which it could not be read. */
export type Reading<T> = { value: T } | { unread: MigrationError };

/**
 * The reads of one preflight: side by side, bounded in number and time. An error with a code is data; any other is a
 * bug and passes through. A read must not wait for another read.
 */
export class BoundedReads {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly bounds: Bounds = defaultBounds) {
    this.free = bounds.atOnce;
  }

  /**
   * Reads something at a place.
   * @param work makes the calls, and checks the signal between them, which is aborted at the time-out
   */
  async read<T>(place: Place, work: (signal: AbortSignal) => Promise<T>): Promise<Reading<T>> {
    await this.enter();
    const clock = new AbortController();
    const reading = this.twice(() => work(clock.signal), clock.signal);
    // The slot is free when the work has ended, not at the time-out: its calls have time limits of their own.
    void reading.catch(() => undefined).finally(() => this.leave());
    const timer = sleep(this.bounds.timeout, undefined, { signal: clock.signal });
    try {
      return { value: await Promise.race([reading, timer.then(() => Promise.reject(this.tooLate(place)))]) };
    } catch (error) {
      if (error instanceof MigrationError) return { unread: error };
      throw error;
    } finally {
      clock.abort();
    }
  }

  /** Retries once: one lost answer among hundreds must not refuse a migration. */
  private async twice<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MigrationError) || !error.retryable || signal.aborted) throw error;
      await sleep(this.bounds.betweenTries, undefined, { signal }).catch(() => Promise.reject(error));
      return work();
    }
  }

  private tooLate(place: Place): MigrationError {
    return new MigrationError(
      'TABLET_UNREACHABLE',
      `no answer within ${this.bounds.timeout / 1000} s`,
      place,
      'check the load of the server',
    );
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** A read that waits gets the slot; otherwise it is free. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  }
}
