import { Context } from '@temporalio/activity';

/** Milliseconds of a process that one look may have, in the long run. */
const perLook = 15;
/** Milliseconds. */
const longestTurn = 120_000;
const turnPoll = 250;

/**
 * How a process shares its time between migrations. It has loops that look at servers again and again: the more there
 * are, the longer each of them waits, so that they leave time for everything else. Thirty look twice a second, two
 * thousand every 30 s.
 */
export class Pace {
  private loops = 0;
  private creations = 0;

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
  /** Runs a step on the way to the streams of a migration. */
  async creating<T>(work: () => Promise<T>): Promise<T> {
    this.creations++;
    try {
      return await work();
    } finally {
      this.creations--;
    }
  }

  /** Waits while other migrations are created, for a while: comparing rows loads the same servers. */
  async afterCreations(): Promise<void> {
    const began = performance.now();
    while (this.creations > 0 && performance.now() - began < longestTurn) await Context.current().sleep(turnPoll);
  }
}
