import { allHandlersFinished, CancellationScope, CancelledFailure, condition, isCancellation, setCurrentDetails, sleep, uuid4, workflowInfo } from '@temporalio/workflow';
import { MigrationError } from '../migration/errors.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../migration/identifier.js';
import { migrateInputSchema, parseWith, type MigrateInput } from '../migration/input.js';
import type { Plan } from '../migration/plan.js';
import type { MigrateResult } from '../migration/result.js';
import type { Gap } from '../migration/verdict.js';
import type { VDiffReport } from '../migration/vdiff.js';
import { comparing, locked, quick, watching } from './activities.js';
import { describeStatus } from './details.js';
import { problemOf, toWorkflowFailure } from './failures.js';
import { listen } from './handlers.js';
import { Pace } from './pace.js';
import { MigrationState } from './state.js';
import { attempt, insist, Interrupted, unless } from './steps.js';

/** How often a step is tried before its failure counts, and how long a VDiff may stand still. */
const createTries = 3;
const proofTries = 3;
const vdiffTries = 3;
const vdiffStallSeconds = 120;
/** Seconds between two proofs for a Complete that came too early: doubling. */
const firstProofDelay = 5;
const longestProofDelay = 3_600;

/**
 * Moves tables from a mounted external cluster into a target keyspace: Mount, Create, Monitor,
 * VDiff, Complete or Cancel. The workflow ID is the workflow identifier, `commerce.wf`.
 *
 * @param rawInput see `migrateInputSchema`
 * @throws ApplicationFailure with an error code as its type, after everything has been put back
 */
export async function migrate(rawInput: unknown): Promise<MigrateResult> {
  const state = new MigrationState(parseInput(rawInput));
  listen(state);
  const temporal = CancellationScope.current();
  temporal.cancelRequested.catch(() => {
    state.cancelRequested ||= !state.pastNoReturn;
  });
  const result = await CancellationScope.nonCancellable(() => new Lifecycle(state).run());
  if (temporal.consideredCancelled && result.outcome === 'cancelled') throw new CancelledFailure('cancelled, the target is as it was');
  return result;
}

/** What a step back answers past the point of no return. */
const tooLate = Symbol('too late');

class Lifecycle {
  private readonly pace = new Pace();
  private proofDelay = firstProofDelay;

  constructor(private readonly state: MigrationState) {}

  async run(): Promise<MigrateResult> {
    try {
      const result = await this.steps();
      await this.end();
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.state.lastError = problemOf(error);
      this.enter('failed');
      await this.end();
      throw toWorkflowFailure(error, this.state.plan === undefined ? '' : '; everything has been put back');
    }
  }

  private async steps(): Promise<MigrateResult> {
    try {
      await unless(() => this.state.cancelRequested, () => this.begin());
      if (this.state.input.dryRun) return this.planned();
      for (;;) {
        const result = await unless(() => this.state.cancelRequested && !this.state.pastNoReturn, () => this.next());
        if (result !== undefined) return result;
      }
    } catch (error) {
      if (error instanceof Interrupted) return this.cancel();
      // Before the point of no return a failure puts everything back; after it there is none.
      if ((await this.putBack()) === tooLate) return this.goForward();
      throw error;
    }
  }

  /** Mount, preflight, Create. */
  private async begin(): Promise<void> {
    const { state } = this;
    if (state.input.mount !== undefined) {
      this.enter('mounting');
      await quick.mount(parseSourceIdentifier(state.input.source).mount, state.input.mount);
    }
    this.enter('checking');
    const plan = await quick.preflight(state.input, state.runId);
    state.plan = plan;
    if (state.input.dryRun) return;
    this.enter('creating');
    await attempt(state, () => locked.create(plan, state.runId), createTries);
    state.created = true;
  }

  /** The one place that decides what comes next. A result ends the migration. */
  private async next(): Promise<MigrateResult | undefined> {
    const { state } = this;
    if (!state.copyFinished) {
      this.enter('copying');
      await this.observe(() => false);
    } else if (state.vdiffWanted) {
      await this.verify();
    } else if (state.complete !== undefined && state.vdiffMissing().length === 0) {
      return this.complete();
    } else {
      // Whoever has asked for Complete is told what keeps it.
      if (state.complete !== undefined) state.missing = state.vdiffMissing();
      state.completeTried = state.completeRequests;
      this.enter('replicating');
      await this.observe(() => this.somethingAsked());
    }
    return undefined;
  }

  private somethingAsked(): boolean {
    return this.state.vdiffWanted || this.state.completeRequests > this.state.completeTried;
  }

  /** Watches until something changes, somebody asks for something, or the pace says so. */
  private async observe(asked: () => boolean, maxSeconds?: number): Promise<void> {
    const { state } = this;
    const pace = this.pace.next();
    // An error that comes and goes must not bring a proof each time: the history would grow with time.
    const wait = maxSeconds === undefined ? pace : { ...pace, maxSeconds: Math.max(maxSeconds, pace.minSeconds) };
    const before = state.fingerprint;
    try {
      state.see(await unless(asked, () => watching.observe(this.plan(), before, { ...wait, copyingSince: state.copyFinished ? null : state.enteredAt })));
      this.pace.recorded(state.fingerprint !== before);
      this.show();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }

  private async verify(): Promise<void> {
    const { state } = this;
    this.enter('verifying');
    state.vdiffWanted = false;
    for (let count = 1; ; count++) {
      const report = await this.vdiff();
      state.vdiff = report;
      if (report.state === 'completed' || report.state === 'differs' || count === vdiffTries) {
        state.finishVDiff(report);
        return;
      }
      this.show();
      await sleep(count * 10_000);
    }
  }

  private async vdiff(): Promise<VDiffReport> {
    const uuid = uuid4();
    try {
      return await comparing.vdiff(this.plan(), uuid, vdiffStallSeconds);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { uuid, state: 'error', rowsCompared: '0', tables: [], errors: { '': problemOf(error).message }, completedAt: null };
    }
  }

  /** Proves, then acts. Undefined when the proof is not there yet: it is tried again. */
  private async complete(): Promise<MigrateResult | undefined> {
    const { state } = this;
    const plan = this.plan();
    if (state.completeRequests > state.completeTried) this.proofDelay = firstProofDelay;
    this.enter('completing');
    state.missing = await this.gaps(() => locked.prove(plan));
    if (state.missing.length === 0) state.missing = await this.gaps(async () => (await locked.publish(plan, state.runId), []));
    if (state.missing.length === 0) {
      state.missing = await this.gaps(() => locked.finish(plan, state.runId));
      if (state.missing.length === 0) return this.serve();
      // It has done nothing, or has failed on the way: which of them, the journal knows.
      if ((await this.unlessTooLate(() => locked.unpublish(plan, state.runId))) === tooLate) return this.goForward();
    }
    state.completeTried = state.completeRequests;
    this.enter('replicating');
    await this.observe(() => this.somethingAsked(), this.proofDelay);
    this.proofDelay = Math.min(this.proofDelay * 2, longestProofDelay);
    return undefined;
  }

  /** A step of the proof that fails for good is a gap like any other: days of copying are not given up for it. */
  private async gaps(work: () => Promise<Gap[]>): Promise<Gap[]> {
    try {
      return await attempt(this.state, work, proofTries);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { message, place } = problemOf(error);
      return [{ code: 'NOT_READABLE', message, place }];
    }
  }

  /** The journal says forward, but `finish` has not been seen to end. */
  private async goForward(): Promise<MigrateResult> {
    this.state.pastNoReturn = true;
    this.enter('completing');
    await insist(this.state, () => locked.finish(this.plan(), this.state.runId));
    return this.serve();
  }

  /** Past the point of no return every step is repeated until it succeeds. */
  private async serve(): Promise<MigrateResult> {
    const { state } = this;
    const plan = this.plan();
    state.pastNoReturn = true;
    await insist(state, () => locked.serve(plan, state.runId));
    this.enter('completed');
    return { outcome: 'completed', workflow: state.input.target, source: state.input.source, tables: plan.tables.map((table) => table.name), vdiff: state.vdiff };
  }

  private async cancel(): Promise<MigrateResult> {
    this.enter('cancelling');
    const droppedTables = await this.putBack();
    // The journal has the last word: Complete may have passed the point of no return meanwhile.
    if (droppedTables === tooLate) return this.goForward();
    this.enter('cancelled');
    return { outcome: 'cancelled', workflow: this.state.input.target, source: this.state.input.source, droppedTables };
  }

  private async putBack(): Promise<Record<string, string[]> | typeof tooLate> {
    const { state } = this;
    if (state.plan === undefined || state.input.dryRun) return {};
    return this.unlessTooLate(async () => (await locked.cancel(parseWorkflowIdentifier(state.input.target), state.runId)).droppedTables);
  }

  /** A step back, repeated until it succeeds, unless the journal says that there is no way back any more. */
  private async unlessTooLate<T>(stepBack: () => Promise<T>): Promise<T | typeof tooLate> {
    const isTooLate = (code: string) => code === 'PAST_NO_RETURN';
    try {
      return await insist(this.state, stepBack, isTooLate);
    } catch (error) {
      if (isTooLate(problemOf(error).code)) return tooLate;
      throw error;
    }
  }

  private planned(): MigrateResult {
    this.enter('planned');
    return { outcome: 'planned', workflow: this.state.input.target, source: this.state.input.source, plan: this.plan() };
  }

  private plan(): Plan {
    if (this.state.plan === undefined) throw new Error('there is no plan yet');
    return this.state.plan;
  }

  private enter(phase: MigrationState['phase']): void {
    this.state.enter(phase);
    this.show();
  }

  private show(): void {
    setCurrentDetails(describeStatus(this.state.status()));
  }

  private async end(): Promise<void> {
    await condition(allHandlersFinished);
  }
}

/** @throws ApplicationFailure naming every wrong field */
function parseInput(raw: unknown): MigrateInput {
  try {
    const input = parseWith(migrateInputSchema, raw ?? {}, 'the input of the workflow migrate');
    const { workflowId } = workflowInfo();
    if (workflowId === input.target) return input;
    throw new MigrationError('INVALID_INPUT', `the workflow ID is ${workflowId}, and target is ${input.target}`, {}, 'give the workflow the identifier of the migration as its ID, so that there is only one of it');
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
