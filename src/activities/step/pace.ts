import { Context } from '@temporalio/activity';

/** Milliseconds of a process that one look may have, in the long run. */
const perLook = 15;

/**
 * The loops of a process that look at servers again and again. The more there are, the longer each of them waits, so
 * that they leave time for everything else: thirty look twice a second, two thousand every 30 s.
 */
export class Pace {
  private loops = 0;

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
}
