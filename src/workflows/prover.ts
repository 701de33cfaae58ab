import { CancellationScope, isCancellation, patched, sleep } from '@temporalio/workflow';
import { proofFingerprint } from '../migration/checksum/report.js';
import { checking } from './activities.js';
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
  private running: { scope: CancellationScope; ended: Promise<void> } | null = null;
  private reports = 0;

  /** Not of the step that happens to start it: an interrupted step must not end the comparison. */
  private readonly parent = CancellationScope.current();

  constructor(
    private readonly migration: Migration,
    private readonly show: () => void,
  ) {}

  start(): void {
    if (this.running !== null) return;
    this.migration.comparesRows = comparesRows();
    if (!this.migration.comparesRows) return;
    const scope = new CancellationScope({ cancellable: true, parent: this.parent });
    this.running = { scope, ended: scope.run(() => this.compare()).catch(ignoreCancellation) };
  }

  /** Returns when the comparison has written its record. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = null;
    // What comes after another step is news at once.
    this.reports = 0;
    running?.scope.cancel();
    await running?.ended;
  }

  private async compare(): Promise<void> {
    const { facts, ref } = this.migration;
    for (;;) {
      const since = facts.proof === null ? '' : proofFingerprint(facts.proof);
      const pause = Math.min(longestPause, firstPause * 1.3 ** this.reports);
      try {
        facts.proof = await checking.checksum(ref, since, this.reports === 0 ? 0 : Math.floor(pause));
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

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
