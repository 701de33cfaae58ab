import { Context } from '@temporalio/activity';
import type { Turn } from '../../migration/lifecycle/live.js';
import { Heartbeats } from './heartbeat.js';
import { Slots } from './slots.js';
import type { Tell } from './step.js';

/** Milliseconds of a process that one look may have, in the long run. */
const perLook = 15;
/** Steps on the way to streams, and VDiffs that begin, at once. */
const creationsAtOnce = 100;
const vdiffsAtOnce = 8;
/** Milliseconds that a comparison waits for creations at most, and between two looks at that. */
const longestWait = 120_000;
const poll = 250;

/**
 * How a process shares its time between migrations. It has loops that look at servers again and again: the more there
 * are, the longer each of them waits, so that they leave time for everything else. Thirty look twice a second, two
 * thousand every 30 s. Of the steps that load the servers some run at once.
 */
export class Pace {
  readonly heartbeats = new Heartbeats();
  private loops = 0;
  private readonly creations = new Slots(creationsAtOnce, `creates ${creationsAtOnce} migrations at once`);
  private readonly vdiffs = new Slots(vdiffsAtOnce, `begins ${vdiffsAtOnce} VDiffs at once`);

  /**
   * Runs a loop, which waits with the function that it gets.
   * @param work gets a function that waits for so many milliseconds, or longer
   */
  async keep<T>(work: (pause: (ms: number) => Promise<void>) => Promise<T>): Promise<T> {
    this.loops++;
    try {
      return await work((ms) => Context.current().sleep(Math.max(ms, this.loops * perLook)));
    } finally {
      this.loops--;
    }
  }

  /**
   * Runs a step on the way to the streams of a migration when it is its turn.
   * @param tell hears that it waits
   * @param last it lets others go first that have come further
   * @throws CancelledFailure while it waits
   */
  async creating<T>(tell: Tell, work: () => Promise<T>, last = false): Promise<T> {
    const done = await this.creations.take(tell, last);
    try {
      return await work();
    } finally {
      done();
    }
  }

  /** Waits while other migrations are created, for a while: comparing rows loads the same servers. */
  async afterCreations(tell: Tell): Promise<void> {
    if (this.creations.isIdle()) return;
    tell({ turn: 'other migrations to be created' } satisfies Turn);
    const began = performance.now();
    while (!this.creations.isIdle() && performance.now() - began < longestWait) await Context.current().sleep(poll);
    tell(null);
  }

  /**
   * Waits until a VDiff may begin: Vitess reads all definitions of the keyspace for each.
   * @returns to be called when it compares rows
   * @throws CancelledFailure while it waits
   */
  async vdiff(tell: Tell): Promise<() => void> {
    await this.afterCreations(tell);
    return this.vdiffs.take(tell);
  }
}
