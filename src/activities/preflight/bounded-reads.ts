import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import { findingOf, unreadable, type CheckName, type Finding } from '../../migration/problem/finding.js';

/** Reads under way at once, over all servers; milliseconds between two tries of one, and for each. */
const atOnce = 8;
const betweenTries = 500;
const timeoutMs = 60_000;

/**
 * The reads of one preflight, side by side and each within its time. What cannot be read becomes a
 * finding; other errors than ours are bugs and pass through. A read must not wait for another read.
 */
export class Reads {
  readonly findings: Finding[] = [];
  /** An error that may pass by itself, where without that read there is no plan. */
  transient: MigrationError | undefined;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** Reads what no plan can do without; undefined, and a finding of severity error, when it cannot be read. */
  need<T>(place: Place, work: () => Promise<T>): Promise<T | undefined> {
    return this.read(place, work, (error) => {
      if (error.retryable) this.transient ??= error;
      this.add(findingOf(error));
    });
  }

  /** Reads what one check looks at; undefined, and a finding that it is not known, when it cannot be read. */
  want<T>(what: string, place: Place, work: () => Promise<T>, check?: CheckName): Promise<T | undefined> {
    return this.read(place, work, (error) => this.add(unreadable(what, error, check)));
  }

  /** The same thing may be seen by several reads: it is said once. */
  private add(found: Finding): void {
    const key = JSON.stringify(found);
    if (!this.findings.some((each) => JSON.stringify(each) === key)) this.findings.push(found);
  }

  private async read<T>(
    place: Place,
    work: () => Promise<T>,
    failed: (error: MigrationError) => void,
  ): Promise<T | undefined> {
    await this.enter();
    try {
      return await twice(() => withinTime(place, work));
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      failed(error);
      return undefined;
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  private async enter(): Promise<void> {
    while (this.running >= atOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
  }
}

/** An answer that got lost is asked for once more: one of several hundred must not refuse a migration. */
async function twice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MigrationError) || !error.retryable) throw error;
    await sleep(betweenTries);
    return work();
  }
}

/** The calls below have time limits of their own; this one is for many of them in a row. */
async function withinTime<T>(place: Place, work: () => Promise<T>): Promise<T> {
  const clock = new AbortController();
  try {
    return await Promise.race([
      work(),
      sleep(timeoutMs, undefined, { signal: clock.signal }).then(() => {
        throw new MigrationError(
          'TABLET_UNREACHABLE',
          `no answer within ${timeoutMs / 1000} s`,
          place,
          'check the load of the server',
        );
      }),
    ]);
  } finally {
    clock.abort();
  }
}
