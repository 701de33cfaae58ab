import type { Progress } from '../migration/lifecycle/state.js';

/** Seconds for which a change may go unrecorded. */
const longestMute = 7_200;

/**
 * How often watching may add to the history. While nothing changes, each wait is a quarter longer than
 * the one before, up to a day: the history grows with the logarithm of time. When much changes, as with
 * an error that flaps, each change after the first fifty may be recorded a tenth later than the one
 * before, up to two hours. Between two records the heartbeat shows the live state.
 */
export class ObserveBackoff {
  constructor(private readonly backoff: Progress['backoff']) {}

  /** Seconds: the earliest and the latest moment for the next record. */
  next(): { minSeconds: number; maxSeconds: number } {
    const { changes, quietSeconds } = this.backoff;
    const minSeconds = changes <= 50 ? 0 : Math.min(longestMute, 1.1 ** (changes - 50));
    return { minSeconds, maxSeconds: Math.max(quietSeconds, minSeconds) };
  }

  recorded(changed: boolean): void {
    if (changed) this.backoff.changes++;
    else this.backoff.quietSeconds = Math.min(this.backoff.quietSeconds * 1.25, 86_400);
  }
}
