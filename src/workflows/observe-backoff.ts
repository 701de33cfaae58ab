import type { Progress } from '../migration/lifecycle/state.js';

/** Seconds for which a change may go unrecorded. */
const longestMute = 7_200;

/** Bytes of an ordinary record. One that is larger counts as several. */
const usualBytes = 3_000;

/**
 * How often watching may add to the history. While nothing changes, each wait is a quarter longer than
 * the one before, up to a day: the history grows with the logarithm of time. When much changes, as with
 * an error that flaps, each change after the first fifty may be recorded a tenth later than the one
 * before, up to two hours, or longer where records are large: in bytes the history grows alike, whatever
 * the number of streams. Between two records the heartbeat shows the live state.
 */
export class ObserveBackoff {
  constructor(private readonly backoff: Progress['backoff']) {}

  /**
   * Seconds: the earliest and the latest moment for the next record.
   * @param bytes of the last one
   */
  next(bytes: number): { minSeconds: number; maxSeconds: number } {
    const { changes, quietSeconds } = this.backoff;
    const minSeconds = changes <= 50 ? 0 : Math.min(longestMute * weightOf(bytes), 1.1 ** (changes - 50));
    return { minSeconds, maxSeconds: Math.max(quietSeconds, minSeconds) };
  }

  recorded(changed: boolean, bytes: number): void {
    if (changed) this.backoff.changes += weightOf(bytes);
    else this.backoff.quietSeconds = Math.min(this.backoff.quietSeconds * 1.25, 86_400);
  }
}

function weightOf(bytes: number): number {
  return Math.max(1, bytes / usualBytes);
}
