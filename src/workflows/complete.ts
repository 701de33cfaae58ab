import { condition, isCancellation } from '@temporalio/workflow';
import { parseDuration } from '../migration/input/duration.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import { firstProofDelay } from '../migration/lifecycle/state.js';
import type { Problem } from '../migration/problem/errors.js';
import type { Gap } from '../migration/proof/gaps.js';
import type { Retirement } from '../migration/proof/source-tables.js';
import { locked } from './activities.js';
import { tooLate, type LifecycleContext } from './context.js';
import { problemOf } from './failures.js';
import { retryForever, retryUpTo } from './retry.js';

/** How often a step of the proof is tried before its failure is a gap. */
const proofTries = 3;
/** Seconds between two proofs, at most. */
const longestProofDelay = 3_600;

/** The step Complete: prove, publish, fence, finish, serve, and retire the source's tables. */
export class Completion {
  constructor(private readonly context: LifecycleContext) {}

  /** Proves, then acts. Undefined when something is lacking: Complete is tried again. */
  async complete(): Promise<MigrateResult | undefined> {
    const { migration } = this.context;
    const { facts, intents, progress, ref } = migration;
    if (intents.complete?.state === 'asked') progress.proofDelay = firstProofDelay;
    const { fenceSource, initializeTargetSequences } = migration.completeOptions;
    this.context.enter('completing');
    facts.missing = await this.gaps(() => locked.prove(ref, { initializeTargetSequences }));
    // The rows were compared before the definitions were made alike again.
    if (facts.missing.some((gap) => gap.code === 'SCHEMA_DRIFT')) facts.vdiffFinishedAt = null;
    if (facts.missing.length === 0) {
      if (migration.vdiffIsOld) return undefined;
      if (!fenceSource) facts.warnings = [await this.watchSource()];
      facts.missing = await this.gaps(async () => (await locked.publish(ref), []));
    }
    if (facts.missing.length === 0) {
      const gaps = await this.finish();
      if (gaps.length === 0) return this.serve();
      // `finish` either did nothing or failed part-way; the journal tells which.
      if ((await this.context.unlessTooLate(() => locked.unpublish(ref))) === tooLate) return this.goForward();
      // Only now: they say that the fence is down.
      facts.missing = gaps;
    }
    await this.waitForNextTry();
    return undefined;
  }

  private async waitForNextTry(): Promise<void> {
    const { migration } = this.context;
    migration.finishCompleteTry();
    this.context.enter('replicating');
    const { proofDelay } = migration.progress;
    migration.progress.proofDelay = Math.min(proofDelay * 2, longestProofDelay);
    await this.context.observe(() => this.context.somethingAsked(), proofDelay);
  }

  /** With a fence nothing is retried: meanwhile the source's applications wait. */
  private async finish(): Promise<Gap[]> {
    const { ref, completeOptions } = this.context.migration;
    const finish = () => this.passNoReturn();
    if (!completeOptions.fenceSource) return this.gaps(finish);
    const gaps = await this.gaps(() => locked.fence(ref), 1);
    return gaps.length > 0 ? gaps : this.gaps(finish, 1);
  }

  private passNoReturn(): Promise<Gap[]> {
    const { ref, completeOptions } = this.context.migration;
    const { fenceSource: fenced, initializeTargetSequences } = completeOptions;
    return locked.finish(ref, { fenced, initializeTargetSequences });
  }

  /** Failing to watch must not block Complete. */
  private async watchSource(): Promise<Problem> {
    try {
      return await locked.watchSource(this.context.migration.ref);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return problemOf(error);
    }
  }

  /** A step of the proof that fails for good is a gap: days of copying are not given up for it. */
  private async gaps(work: () => Promise<Gap[]>, tries = proofTries): Promise<Gap[]> {
    try {
      return await retryUpTo(this.context.migration.progress, tries, work);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return [problemOf(error)];
    }
  }

  /** The journal says `forward`, but `finish` has not been seen to succeed. */
  async goForward(): Promise<MigrateResult> {
    const { migration } = this.context;
    migration.progress.reached = 'no return';
    this.context.enter('completing');
    await retryForever(migration.progress, () => this.passNoReturn());
    return this.serve();
  }

  /** Past the point of no return every step is repeated until it succeeds. */
  private async serve(): Promise<MigrateResult> {
    const { facts, progress, ref, completeOptions } = this.context.migration;
    const { sourceTables, fenceSource } = completeOptions;
    progress.reached = 'no return';
    await retryForever(progress, () => locked.serve(ref, sourceTables !== 'keep'));
    const retirement: Retirement = sourceTables === 'keep' ? { done: 'keep', kept: null } : await this.retire();
    this.context.enter('completed');
    return {
      outcome: 'completed',
      workflow: facts.workflow,
      source: facts.source,
      tables: facts.tables,
      vdiff: facts.vdiff,
      fenced: fenceSource && retirement.done === 'keep',
      sourceTables: retirement,
      warnings: facts.warnings,
    };
  }

  /** The target serves: the source's tables may go, after a while in which it can be called off. */
  private async retire(): Promise<Retirement> {
    const { migration } = this.context;
    const { facts, intents, progress, ref } = migration;
    const wait = parseDuration(migration.completeOptions.sourceTablesAfter);
    progress.retirement = { at: new Date(Date.now() + wait).toISOString(), waiting: wait > 0 };
    this.context.enter('retiring');
    if (wait > 0) await condition(() => intents.keepSource, wait);
    progress.retirement.waiting = false;
    const retirement = await retryForever(progress, () => locked.retire(ref, migration.completeOptions.sourceTables));
    if (retirement.kept !== null) facts.warnings = [...facts.warnings, retirement.kept];
    return retirement;
  }
}
