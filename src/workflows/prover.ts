import { isCancellation, patched, sleep } from '@temporalio/workflow';
import { proofFingerprint } from '../migration/checksum/report.js';
import { checking } from './activities.js';
import { Beside } from './beside.js';
import { problemOf } from './failures.js';
import type { Migration } from './state.js';

/** Seconds between two reports: growing with their number, so that a history does not grow with time. */
const firstPause = 2;
const longestPause = 3_600;
/** Milliseconds until a comparison that cannot go on is tried again. */
const failurePause = 600_000;

/** True in a run whose code compares the rows: those that began before do not. */
export function comparesRows(): boolean {
  return patched('checksum');
}

/** Compares the rows beside the other steps, while the streams run after the copy. */
export class Prover {
  private readonly comparison = new Beside(() => this.compare());
  private reports = 0;

  constructor(
    private readonly migration: Migration,
    private readonly show: () => void,
  ) {}

  start(): void {
    if (this.comparison.isStarted) return;
    this.migration.comparesRows = comparesRows();
    if (this.migration.comparesRows) this.comparison.start();
  }

  /** Returns when the comparison has written its record. */
  async stop(): Promise<void> {
    // What comes after another step is news at once.
    this.reports = 0;
    await this.comparison.stop();
  }

  private async compare(): Promise<void> {
    const { facts, ref } = this.migration;
    for (;;) {
      const since = facts.proof === null ? '' : proofFingerprint(facts.proof);
      const pause = Math.min(longestPause, firstPause * 1.3 ** this.reports);
      try {
        facts.proof = await checking(facts).checksum(ref, since, this.reports === 0 ? 0 : Math.floor(pause));
        this.reports++;
        this.show();
      } catch (error) {
        if (isCancellation(error)) throw error;
        this.migration.progress.lastError = problemOf(error);
        await sleep(failurePause);
      }
    }
  }
}
