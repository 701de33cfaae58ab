import { isCancellation, patched, setCurrentDetails } from '@temporalio/workflow';
import type { Step } from '../migration/lifecycle/next-step.js';
import type { Phase } from '../migration/lifecycle/phases.js';
import type { NameList } from '../migration/plan/reference.js';
import type { Problem } from '../migration/problem/errors.js';
import { restartDelay, restartsInPeace } from '../migration/lifecycle/restarts.js';
import { bytesOf } from '../migration/problem/bounded.js';
import { healerOfProblem, problemToHeal, type StreamProblem } from '../migration/watch/diagnosis.js';
import { clearing, holding, locked, watching } from './activities.js';
import { Beside } from './beside.js';
import { problemOf } from './failures.js';
import { ObserveBackoff } from './observe-backoff.js';
import { Prover } from './prover.js';
import { interruptible, Interrupted, retryForever } from './retry.js';
import type { Migration } from './state.js';
import { describeStatus } from './ui-summary.js';

/** The answer of a step back past the point of no return. */
export const tooLate = Symbol('too late');

/** What every part of the lifecycle does with the migration: show it, watch the clusters, step back. */
export class LifecycleContext {
  readonly prover: Prover;
  private readonly holdingBack = new Beside(() => this.holdBack());
  private readonly backoff: ObserveBackoff;

  constructor(readonly migration: Migration) {
    this.backoff = new ObserveBackoff(migration.progress.backoff);
    this.prover = new Prover(migration, () => this.show());
  }

  /** Beside Monitor the copy is held back where it must be, and beside the steps after it the rows are compared. */
  async besides(step: Step): Promise<void> {
    const { copyFinished, observation } = this.migration.facts;
    if (step === 'copy') {
      // The first look at the streams, which ends at once, may bring another step.
      if (observation !== null && patched('holds-back')) this.holdingBack.start();
    } else if (!copyFinished) {
      // When everything has been copied it ends by itself, and changes nothing that another step needs.
      await this.holdingBack.stop();
    }
    if (step === 'verify' || step === 'wait') this.prover.start();
    else await this.prover.stop();
  }

  /** Returns when nothing goes on beside the steps any more. */
  async stopBesides(): Promise<void> {
    await Promise.all([this.holdingBack.stop(), this.prover.stop()]);
  }

  /** Without it the copy goes on: a failure is shown, and fails nothing. */
  private async holdBack(): Promise<void> {
    try {
      await holding(this.migration.facts).holdBack(this.migration.ref);
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.migration.progress.lastError = problemOf(error);
    }
  }

  enter(phase: Phase): void {
    this.migration.enter(phase);
    this.show();
  }

  show(): void {
    setCurrentDetails(describeStatus(this.migration.status()));
  }

  /** True when a person has asked for something that watching must not delay. */
  somethingAsked(): boolean {
    const { complete, options, streams, vdiff } = this.migration.intents;
    return streams.want === 'resume' || vdiff || options !== null || complete?.state === 'asked';
  }

  /** Watches until something changes, `asked` becomes true, or the backoff ends the wait. */
  async observe(asked: () => boolean, maxSeconds?: number): Promise<void> {
    const { migration } = this;
    const { facts, progress } = migration;
    const wait = this.watchFor(maxSeconds);
    const before = migration.fingerprint;
    const copyingSince = facts.copyFinished ? null : progress.since;
    try {
      migration.see(
        await interruptible(asked, () => watching(facts).observe(migration.ref, before, { ...wait, copyingSince })),
      );
      this.backoff.recorded(migration.fingerprint !== before, bytesOf(facts.observation));
      const problem = this.problemToHeal();
      if (problem !== undefined) await this.heal(problem);
      else progress.restarts = restartsInPeace(progress.restarts, Date.now());
      this.show();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }

  private problemToHeal(): StreamProblem | undefined {
    return problemToHeal(this.migration.facts.observation?.problems ?? []);
  }

  private watchFor(maxSeconds: number | undefined): { minSeconds: number; maxSeconds: number } {
    const backoff = this.backoff.next(bytesOf(this.migration.facts.observation));
    const problem = this.problemToHeal();
    const delay = problem === undefined ? undefined : this.delayOf(problem);
    const wanted = Math.min(maxSeconds ?? backoff.maxSeconds, delay === undefined ? Infinity : delay / 1_000);
    // A flapping error must not bring a proof each time: the history would grow with time.
    return { ...backoff, maxSeconds: Math.max(wanted, backoff.minSeconds) };
  }

  /**
   * A stream that Vitess has ended although its cause goes away by itself is started again, after a pause. One that
   * needs a person pauses the migration, which then says what it needs.
   * @returns milliseconds until it may be started again; 0 when it has been, or the migration pauses
   */
  async heal(problem: StreamProblem): Promise<number> {
    const { intents, progress, ref } = this.migration;
    if (intents.streams.want === 'pause') return 0;
    // What was seen before Resume is heard is no reason to pause again.
    if (intents.streams.want === 'resume' && patched('resume-wins')) return 0;
    const delay = this.delayOf(problem);
    if (delay === undefined) intents.streams = { want: 'pause', for: problem };
    if (delay === undefined || delay > 0) return delay ?? 0;
    await retryForever(progress, () => locked.restart(ref));
    progress.restarts = { count: progress.restarts.count + 1, at: Date.now() };
    return 0;
  }

  /** Undefined when it needs a person. */
  private delayOf(problem: StreamProblem): number | undefined {
    if (healerOfProblem(problem) === 'person') return undefined;
    return restartDelay(this.migration.progress.restarts, problem.kind, Date.now());
  }

  /** Undoes what was made, by the journal. Answers the tables that were dropped, by shard; warnings are facts. */
  async putBack(): Promise<Record<string, NameList> | typeof tooLate> {
    await this.stopBesides();
    const { facts, progress, ref } = this.migration;
    if (progress.reached === 'nothing') return {};
    if (progress.reached !== 'uncertain') return this.undo();
    try {
      await clearing.cancel(ref);
      progress.reached = 'nothing';
    } catch (error) {
      // The topology cannot be reached, and most likely nothing was written: that must not hold up the end.
      facts.warnings = [...facts.warnings, mayBeLeft(problemOf(error), ref.id.keyspace)];
    }
    return {};
  }

  /** The journal goes once the warnings are known here: it would tell them to another attempt, or to another run. */
  private async undo(): Promise<Record<string, NameList> | typeof tooLate> {
    const { facts, progress, ref } = this.migration;
    const report = await this.unlessTooLate(() => locked.cancel(ref, { thenForget: true }));
    if (report === tooLate) return tooLate;
    const { droppedTables, warnings = [] } = report;
    facts.warnings = warnings;
    if (warnings.length > 0) await retryForever(progress, () => locked.forget(ref));
    return droppedTables;
  }

  /** Takes back what Complete has begun. What could not be is a warning. */
  async takeBack(): Promise<undefined | typeof tooLate> {
    const { facts, ref } = this.migration;
    // Histories from before 0.3.0 have no answer here.
    const work = (): Promise<Problem[] | undefined> => locked.unpublish(ref);
    const unheard = await this.unlessTooLate(work);
    if (unheard === tooLate) return tooLate;
    facts.warnings = [...facts.warnings, ...(unheard ?? [])];
    return undefined;
  }

  /** Repeats a step back until it succeeds, unless the journal says that there is no way back any more. */
  async unlessTooLate<T>(stepBack: () => Promise<T>): Promise<T | typeof tooLate> {
    const isTooLate = (code: string) => code === 'PAST_NO_RETURN';
    try {
      return await retryForever(this.migration.progress, stepBack, isTooLate);
    } catch (error) {
      if (isTooLate(problemOf(error).code)) return tooLate;
      throw error;
    }
  }
}

/** @param why the journal could not be looked for */
function mayBeLeft({ code, message, place }: Problem, keyspace: string): Problem {
  return {
    code,
    message: `a journal may have been left behind: ${message}`,
    place,
    remedy: `once the topology answers, look for it: vtmigrate Audit ${keyspace}`,
  };
}
