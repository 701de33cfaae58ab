import { condition, isCancellation, patched } from '@temporalio/workflow';
import { parseDuration } from '../migration/input/duration.js';
import type { Problem } from '../migration/problem/errors.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import type { Retirement } from '../migration/proof/source-tables.js';
import type { Gap } from '../migration/proof/gaps.js';
import { locked } from './activities.js';
import { problemOf } from './failures.js';
import { tooLate, type Stage } from './context.js';
import { attempt, insist } from './retry.js';

/** How often a step of the proof is tried before its failure is a gap. */
const proofTries = 3;
/** Seconds between two proofs for a Complete that came too early: doubling. */
const firstProofDelay = 5;
const longestProofDelay = 3_600;

/** The step Complete: prove, publish, fence, finish, serve, and what becomes of the source's tables. */
export class Completion {
  private proofDelay = firstProofDelay;

  constructor(private readonly stage: Stage) {}

  /** Proves, then acts. Undefined when the proof is not there yet: it is tried again. */
  async complete(): Promise<MigrateResult | undefined> {
    const { state } = this.stage;
    if (state.completeRequests > state.completeTried) this.proofDelay = firstProofDelay;
    const { fenceSource } = state.completeOptions();
    this.stage.enter('completing');
    state.missing = await this.gaps(() => locked.prove(state.ref));
    state.vdiffOutdated ||= state.missing.some((gap) => gap.code === 'SCHEMA_DRIFT');
    if (state.missing.length === 0) {
      // The rows were compared before the definitions were made alike again.
      if (state.vdiffIsOld() && patched('vdiff-max-age')) return undefined;
      if (!fenceSource && patched('watch-writes')) state.warnings = [await this.watchSource()];
      state.missing = await this.gaps(async () => (await locked.publish(state.ref), []));
    }
    if (state.missing.length === 0) {
      state.missing = await this.finish(fenceSource);
      if (state.missing.length === 0) return this.serve();
      // It has done nothing, or has failed on the way: which of them, the journal knows.
      if ((await this.stage.unlessTooLate(() => locked.unpublish(state.ref))) === tooLate) return this.goForward();
    }
    state.completeTried = state.completeRequests;
    this.stage.enter('replicating');
    await this.stage.observe(() => this.stage.somethingAsked(), this.proofDelay);
    this.proofDelay = Math.min(this.proofDelay * 2, longestProofDelay);
    return undefined;
  }

  /** With a fence nothing is tried twice by itself: meanwhile the source's applications wait. */
  private async finish(fenceSource: boolean): Promise<Gap[]> {
    const { ref } = this.stage.state;
    if (!fenceSource) return this.gaps(() => locked.finish(ref));
    const gaps = await this.gaps(() => locked.fence(ref), 1);
    return gaps.length > 0 ? gaps : this.gaps(() => locked.finish(ref, true), 1);
  }

  /** What cannot be known must not keep Complete. */
  private async watchSource(): Promise<Problem> {
    try {
      return await locked.watchSource(this.stage.state.ref);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return problemOf(error);
    }
  }

  /** A step of the proof that fails for good is a gap like any other: days of copying are not given up for it. */
  private async gaps(work: () => Promise<Gap[]>, tries = proofTries): Promise<Gap[]> {
    try {
      return await attempt(this.stage.state, work, tries);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { message, place } = problemOf(error);
      return [{ code: 'NOT_READABLE', message, place }];
    }
  }

  /** The journal says forward, but `finish` has not been seen to end. */
  async goForward(): Promise<MigrateResult> {
    this.stage.state.pastNoReturn = true;
    this.stage.enter('completing');
    await insist(this.stage.state, () =>
      locked.finish(this.stage.state.ref, this.stage.state.completeOptions().fenceSource),
    );
    return this.serve();
  }

  /** Past the point of no return every step is repeated until it succeeds. */
  private async serve(): Promise<MigrateResult> {
    const { state } = this.stage;
    state.pastNoReturn = true;
    const { sourceTables, fenceSource } = state.completeOptions();
    await insist(state, () => locked.serve(state.ref, sourceTables !== 'keep'));
    const retirement: Retirement = sourceTables === 'keep' ? { done: 'keep', kept: null } : await this.retire();
    this.stage.enter('completed');
    return {
      outcome: 'completed',
      workflow: state.workflow,
      source: state.source,
      tables: state.tables,
      vdiff: state.vdiff,
      fenced: fenceSource && retirement.done === 'keep',
      sourceTables: retirement,
      warnings: state.warnings,
    };
  }

  /** The target serves: now the source's tables may go, after a while in which it can be called off. */
  private async retire(): Promise<Retirement> {
    const { state } = this.stage;
    const wait = parseDuration(state.completeOptions().sourceTablesAfter);
    state.retireAt = new Date(Date.now() + wait).toISOString();
    this.stage.enter('retiring');
    if (wait > 0) await condition(() => state.keepSource, wait);
    const retirement = await insist(state, () => locked.retire(state.ref, state.completeOptions().sourceTables));
    if (retirement.kept !== null) state.warnings = [...state.warnings, retirement.kept];
    return retirement;
  }
}
