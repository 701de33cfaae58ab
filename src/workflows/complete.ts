import { condition, isCancellation, patched } from '@temporalio/workflow';
import type { FinishAnswer } from '../activities/complete.js';
import { parseDuration } from '../migration/input/duration.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import { acceptanceOf, repairIsDue } from '../migration/lifecycle/next-step.js';
import { firstProofDelay, proveOptions } from '../migration/lifecycle/state.js';
import { shownRepair } from '../migration/lifecycle/status.js';
import type { Problem } from '../migration/problem/errors.js';
import { isOfProof } from '../migration/checksum/gaps.js';
import { cappedGaps, isAccepted, vdiffGaps, type Gap } from '../migration/proof/gaps.js';
import type { Retirement } from '../migration/proof/source-tables.js';
import { locked } from './activities.js';
import { tooLate, type LifecycleContext } from './context.js';
import { problemOf } from './failures.js';
import { comparesRows } from './prover.js';
import { interruptible, Interrupted, retryForever, retryUpTo } from './retry.js';

/** How often a step of the proof is tried before its failure is a gap. */
const proofTries = 3;
/** Seconds between two proofs, at most. */
const longestProofDelay = 3_600;

/** The step Complete: prove, publish, fence, finish, serve, and retire the source's tables. */
export class Completion {
  /** Whether the fence was raised in the last try; undefined when another run, or none, has tried. */
  private fenced: boolean | undefined;
  /** What the last comparison says of writers of the source, if it has followed them for long enough. */
  private lateWrites: Problem | null = null;
  /** How long the call inside the fence took in this run. */
  private hookMs: number | null = null;

  constructor(private readonly context: LifecycleContext) {}

  /**
   * Proves, then acts. Undefined when something is lacking, or another Complete has taken this one's place: Complete is
   * tried again.
   */
  async complete(): Promise<MigrateResult | undefined> {
    const { migration } = this.context;
    migration.completeReplaced = false;
    try {
      return await interruptible(
        () => migration.completeReplaced,
        () => this.attempt(),
      );
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
    if ((await this.context.takeBack()) === tooLate) return this.goForward();
    this.context.enter('replicating');
    return undefined;
  }

  private async attempt(): Promise<MigrateResult | undefined> {
    const { migration } = this.context;
    const { facts, intents, progress, ref } = migration;
    if (intents.complete?.state === 'asked') progress.proofDelay = firstProofDelay;
    const options = migration.completeOptions;
    this.fenced = false;
    this.context.enter('completing');
    await this.context.prover.stop();
    facts.overridden = [];
    facts.missing = this.unlessAccepted(await this.gaps(() => locked.prove(ref, proveOptions(options))));
    // The rows were compared before the definitions were made alike again.
    migration.seeDrift(facts.missing);
    if (facts.missing.length === 0) {
      // Its age was looked at before the try. To look at it again would be to count the time of the try itself.
      if (migration.vdiffIsOld && (facts.drifted.length > 0 || !patched('age-before-the-try'))) return undefined;
      facts.missing = await this.compareRows(false);
    }
    if (facts.missing.length === 0) {
      facts.warnings = options.fenceSource ? [] : [this.lateWrites ?? (await this.watchSource())];
      facts.missing = await this.gaps(() => this.publish());
    }
    if (facts.missing.length === 0) {
      const gaps = await this.finish();
      if (gaps.length === 0) return this.serve();
      // `finish` either did nothing or failed part-way; the journal tells which.
      if ((await this.context.takeBack()) === tooLate) return this.goForward();
      // Only now: they say that the fence is down.
      facts.missing = gaps;
    }
    await this.waitForNextTry();
    return undefined;
  }

  /** The gaps that stay; what was accepted is told in the result. */
  private unlessAccepted(gaps: readonly Gap[]): Gap[] {
    const { facts, intents } = this.context.migration;
    const acceptance = acceptanceOf(intents.complete?.request);
    const accepted = gaps.filter((gap) => isAccepted(gap, acceptance));
    const known = new Set(facts.overridden.map(keyOfGap));
    facts.overridden = cappedGaps([...facts.overridden, ...accepted.filter((gap) => !known.has(keyOfGap(gap)))]);
    return gaps.filter((gap) => !isAccepted(gap, acceptance));
  }

  /** What the checksums lack. */
  private async compareRows(fenced: boolean): Promise<Gap[]> {
    const { facts, ref } = this.context.migration;
    this.lateWrites = null;
    if (!comparesRows()) return [];
    const gaps = await this.gaps(
      async () => {
        const answer = await locked.checksumNow(ref, fenced);
        facts.proof = answer.report;
        this.lateWrites = answer.lateWrites ?? null;
        return answer.gaps;
      },
      fenced ? 1 : proofTries,
    );
    return this.unlessAccepted([...vdiffGaps(facts.vdiff), ...gaps]);
  }

  private async waitForNextTry(): Promise<void> {
    const { migration, prover } = this.context;
    migration.finishCompleteTry();
    this.context.enter('replicating');
    const { proofDelay } = migration.progress;
    migration.progress.proofDelay = Math.min(proofDelay * 2, longestProofDelay);
    prover.start();
    const { proof, missing } = migration.facts;
    const isNews = () => missing.some(isOfProof) && migration.facts.proof !== proof;
    const wanted = () => this.context.somethingAsked() || isNews() || repairIsDue(migration.facts, migration.intents);
    await this.context.observe(wanted, proofDelay);
  }

  /** With a fence nothing is retried: meanwhile the source's applications wait. */
  private async finish(): Promise<Gap[]> {
    const { ref, completeOptions } = this.context.migration;
    const finish = () => this.passNoReturn();
    if (!completeOptions.fenceSource) return this.gaps(finish);
    const gaps = await this.gaps(() => locked.fence(ref), 1);
    if (gaps.length > 0) return gaps;
    this.fenced = true;
    const different = await this.compareRows(true);
    if (different.length > 0) return different;
    const failed = await this.gaps(() => this.callInside(), 1);
    return failed.length > 0 ? failed : this.gaps(finish, 1);
  }

  /** A caller's command or webhook, while nobody can write: before the point of no return, so that it may fail. */
  private async callInside(): Promise<Gap[]> {
    const { ref, completeOptions } = this.context.migration;
    const { insideFence, insideFenceTimeout } = completeOptions;
    this.hookMs = insideFence === undefined ? null : await locked.insideFence(ref, insideFence, insideFenceTimeout);
    return [];
  }

  private async passNoReturn(): Promise<Gap[]> {
    const { facts, ref, completeOptions } = this.context.migration;
    const { fenceSource: fenced, initializeTargetSequences } = completeOptions;
    const answer = (await locked.finish(ref, { fenced, initializeTargetSequences })) as FinishAnswer | Gap[];
    // Histories from before 0.3.0 have the gaps alone.
    if (Array.isArray(answer)) return answer;
    facts.cutover = answer.cutover === null ? null : { ...answer.cutover, hookMs: this.hookMs };
    return answer.gaps;
  }

  private async publish(): Promise<Gap[]> {
    const { facts, ref } = this.context.migration;
    // Histories from before 0.3.0 have no answer here.
    const away = (await locked.publish(ref)) as Problem[] | undefined;
    facts.warnings = [...facts.warnings, ...(away ?? [])];
    return [];
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
    const { facts, progress, completeOptions } = this.context.migration;
    const { sourceTables, fenceSource } = completeOptions;
    progress.reached = 'no return';
    progress.serving = true;
    facts.warnings = [...facts.warnings, ...(await this.tryTables(sourceTables !== 'keep'))];
    progress.serving = false;
    const retirement: Retirement = sourceTables === 'keep' ? { done: 'keep', kept: null } : await this.retire();
    this.context.enter('completed');
    return {
      outcome: 'completed',
      workflow: facts.workflow,
      source: facts.source,
      tables: facts.tables,
      left: facts.left,
      vdiff: facts.vdiff,
      proof: facts.proof,
      repair: facts.repair === null ? null : shownRepair(facts.repair),
      overridden: facts.overridden,
      cutover: facts.cutover,
      fenced: (this.fenced ?? fenceSource) && retirement.done === 'keep',
      sourceTables: retirement,
      warnings: facts.warnings,
    };
  }

  /** Until they can be used, or a person has asked to skip that. Then the journal is removed, unless it is to stay. */
  private async tryTables(keepJournal: boolean): Promise<Problem[]> {
    const { intents, progress, ref } = this.context.migration;
    // Histories from before 0.3.0 have no answer here.
    const serve = (): Promise<Problem[] | undefined> => retryForever(progress, () => locked.serve(ref, keepJournal));
    try {
      return (await interruptible(() => intents.skip, serve)) ?? [];
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const failed = progress.lastError;
      return [...(await retryForever(progress, () => locked.serve(ref, keepJournal, false))), notTried(failed)];
    }
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
    const retire = () => locked.retire(ref, migration.completeOptions.sourceTables);
    const { warnings = [], ...retirement } = await retryForever(progress, retire);
    facts.warnings = [...facts.warnings, ...warnings, ...(retirement.kept === null ? [] : [retirement.kept])];
    return retirement;
  }
}

/** @param failed why the trial was skipped */
function notTried(failed: Problem | null): Problem {
  return {
    code: 'NOT_TRIED',
    message:
      'the tables have not all been tried through vtgate, as a person has asked' +
      (failed === null ? '' : `; the last trial: ${failed.message}`),
    place: failed?.place ?? {},
    remedy: 'read and write each table through vtgate before applications do',
  };
}

/** Of a gap that is found twice: before the fence and behind it. */
function keyOfGap({ code, place }: Gap): string {
  return JSON.stringify([code, place.table]);
}
