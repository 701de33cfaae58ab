import { setTimeout as sleep } from 'node:timers/promises';
import type { Live } from '../../migration/lifecycle/live.js';
import { PassingError } from '../errors.js';
import { readLive } from './live.js';
import type { Migration, Session } from './session.js';

/** Milliseconds without an answer until a follower gives up. */
const patience = 5 * 60_000;

/** Shows what a follower learns. */
export interface Display {
  live(live: Live): void;
  /** There is no answer at the moment. */
  noAnswer(reason: string): void;
}

/** Follows a migration, across restarts of the worker and of Temporal. */
export class Follower {
  private answeredAt = Date.now();

  /** @param interval milliseconds between two polls */
  constructor(
    private readonly session: Session,
    private readonly migration: Migration,
    private readonly display: Display,
    private readonly interval = 1_000,
  ) {}

  /** Polls until `enough` returns true. @throws CommandError after five minutes without an answer */
  async until(enough: (live: Live) => boolean): Promise<Live> {
    for (;;) {
      const live = await this.poll();
      if (live !== undefined && enough(live)) return live;
      await sleep(this.interval);
    }
  }

  private async poll(): Promise<Live | undefined> {
    try {
      const live = await readLive(this.session, this.migration);
      this.answeredAt = Date.now();
      this.display.live(live);
      return live;
    } catch (error) {
      if (!(error instanceof PassingError) || Date.now() - this.answeredAt > patience) throw error;
      this.display.noAnswer(error.message);
      return undefined;
    }
  }
}
