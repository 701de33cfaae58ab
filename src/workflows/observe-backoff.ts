/**
 * How often watching may add to the history. Nothing new: each wait is a quarter longer than the
 * one before, up to a day, so that the history grows with the logarithm of time. Many changes,
 * such as an error that comes and goes: after the first fifty, each may be recorded a tenth later
 * than the one before, up to an hour. What is live between two records, the heartbeat shows.
 */
export class Pace {
  private quiet = 10;
  private changes = 0;

  /** Seconds: at the earliest and at the latest, the next observation is to be recorded. */
  next(): { minSeconds: number; maxSeconds: number } {
    const minSeconds = this.changes <= 50 ? 0 : Math.min(3_600, 1.1 ** (this.changes - 50));
    return { minSeconds, maxSeconds: Math.max(this.quiet, minSeconds) };
  }

  recorded(changed: boolean): void {
    if (changed) this.changes++;
    else this.quiet = Math.min(this.quiet * 1.25, 86_400);
  }
}
