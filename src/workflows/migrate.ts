import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  patched,
  sleep,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { settingsOf, type Adoption } from '../migration/adopt/adoption.js';
import type { PreflightReport } from '../migration/lifecycle/preflight-report.js';
import type { NameList } from '../migration/lifecycle/reference.js';
import { MigrationError } from '../migration/problem/errors.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../migration/input/identifier.js';
import {
  adoptInputSchema,
  migrateInputSchema,
  parseWith,
  type AdoptInput,
  type MigrateInput,
} from '../migration/input/input.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import type { VDiffReport } from '../migration/proof/vdiff.js';
import { clearing, comparing, locked, quick, reading } from './activities.js';
import { Completion } from './complete.js';
import { isFinal, problemOf, toWorkflowFailure } from './failures.js';
import { listen } from './handlers.js';
import { Stage, tooLate } from './context.js';
import { MigrationState } from './state.js';
import { attempt, insist, Interrupted, unless } from './retry.js';

/** How often a step is tried before its failure counts, and how long a VDiff may stand still. */
const createTries = 3;
const vdiffTries = 3;
const vdiffStallSeconds = 120;

/**
 * Moves tables from a mounted external cluster into a target keyspace: Mount, Create, Monitor,
 * VDiff, Complete or Cancel. The workflow ID is the workflow identifier, `commerce.wf`.
 *
 * @param rawInput see `migrateInputSchema`; or `adoptInputSchema`, to take over a migration that is in the cluster
 * @throws ApplicationFailure with an error code as its type, after everything has been put back
 */
export async function migrate(rawInput: unknown): Promise<MigrateResult> {
  const start = parseInput(rawInput);
  const { source, target } = 'adopt' in start ? start.adopt : start.input;
  const ref = { id: parseWorkflowIdentifier(target), runId: workflowInfo().firstExecutionRunId };
  const state = new MigrationState(ref, source, 'adopt' in start ? undefined : settingsOf(start.input));
  listen(state);
  const temporal = CancellationScope.current();
  temporal.cancelRequested.catch(() => {
    state.cancelRequested ||= !state.pastNoReturn;
  });
  const result = await CancellationScope.nonCancellable(() => new Lifecycle(state, start).run());
  if (temporal.consideredCancelled && result.outcome === 'cancelled')
    throw new CancelledFailure('cancelled, the target is as it was');
  return result;
}

class Lifecycle {
  private readonly stage: Stage;
  private readonly completion: Completion;
  private pausing = false;
  /** Preflight may have begun a journal and not said so. */
  private leftBehind = false;

  constructor(
    private readonly state: MigrationState,
    private readonly start: Start,
  ) {
    this.stage = new Stage(state);
    this.completion = new Completion(this.stage);
  }

  async run(): Promise<MigrateResult> {
    try {
      const result = await this.steps();
      await this.end();
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.state.lastError = problemOf(error);
      this.stage.enter('failed');
      await this.end();
      throw toWorkflowFailure(error, !this.state.recorded ? '' : '; everything has been put back');
    }
  }

  private async steps(): Promise<MigrateResult> {
    try {
      if ('adopt' in this.start) {
        if ((await this.adopt(this.start.adopt)) === 'forward') return await this.completion.goForward();
      } else {
        const { input } = this.start;
        const planned = await unless(
          () => this.state.cancelRequested,
          () => this.begin(input),
        );
        if (planned !== undefined) return planned;
      }
      for (;;) {
        const result = await this.unlessPaused(() => this.next());
        if (result !== undefined) return result;
      }
    } catch (error) {
      if (error instanceof Interrupted) return this.cancel();
      // Before the point of no return a failure puts everything back; after it there is none.
      if ((await this.putBack()) === tooLate) return this.completion.goForward();
      throw error;
    }
  }

  /** A wish to pause cuts off what is under way: the next step is the pause. @throws Interrupted for Cancel */
  private async unlessPaused<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { state } = this;
    const cancels = () => state.cancelRequested && !state.pastNoReturn;
    try {
      return await unless(() => cancels() || (state.pauseRequested && !this.pausing && !state.pastNoReturn), work);
    } catch (error) {
      if (error instanceof Interrupted && !state.cancelRequested) return undefined;
      throw error;
    }
  }

  /** Mount, preflight, Create. */
  private async begin(input: MigrateInput): Promise<MigrateResult | undefined> {
    const { state } = this;
    // A dry run writes nothing: its preflight goes by the input's configuration.
    if (input.mount !== undefined && !input.dryRun) {
      this.stage.enter('mounting');
      await quick.mount(parseSourceIdentifier(input.source).mount, input.mount);
    }
    this.stage.enter('checking');
    this.leftBehind = !input.dryRun;
    const report = await this.preflight(input);
    if (report.outcome === 'planned') return this.planned(report);
    state.pass(report);
    await this.create();
    return undefined;
  }

  /** A refusal has left nothing; any other failure may have left a journal. */
  private async preflight(input: MigrateInput): Promise<PreflightReport> {
    try {
      return await reading.preflight(this.state.ref, input);
    } catch (error) {
      if (isFinal(error)) this.leftBehind = false;
      throw error;
    }
  }

  private async create(): Promise<void> {
    const { state } = this;
    this.stage.enter('creating');
    await attempt(state, () => locked.create(state.ref), createTries);
    state.created = true;
  }

  /**
   * Takes over a migration that is in the cluster already. Until its journal is this run's there is
   * nothing to put back, and a Cancel that comes meanwhile waits for it.
   */
  private async adopt(request: AdoptInput): Promise<Adoption['next']> {
    const { state } = this;
    this.stage.enter('checking');
    const adoption = await attempt(state, () => locked.adopt(state.ref, request), createTries);
    state.takeOver(adoption, request);
    if (adoption.next === 'create')
      await unless(
        () => state.cancelRequested,
        () => this.create(),
      );
    state.created = true;
    return adoption.next;
  }

  /** The one place that decides what comes next. A result ends the migration. */
  private async next(): Promise<MigrateResult | undefined> {
    const { state } = this;
    if (state.pauseRequested) return this.pause();
    if (state.resumeWanted) {
      await this.resume();
    } else if (!state.copyFinished) {
      this.stage.enter('copying');
      await this.stage.observe(() => state.resumeWanted);
    } else if (state.vdiffWanted) {
      await this.verify();
    } else if (state.complete !== undefined && state.vdiffMissing().length === 0) {
      if (state.vdiffIsOld() && patched('vdiff-max-age')) state.vdiffWanted = true;
      else return this.completion.complete();
    } else {
      // Whoever has asked for Complete is told what keeps it.
      if (state.complete !== undefined) state.missing = state.vdiffMissing();
      state.completeTried = state.completeRequests;
      this.stage.enter('replicating');
      await this.stage.observe(() => this.stage.somethingAsked());
    }
    return undefined;
  }

  /** Stops the streams and waits for resume. What Complete has begun is taken back first. */
  private async pause(): Promise<MigrateResult | undefined> {
    const { state } = this;
    this.pausing = true;
    try {
      if (
        state.phase === 'completing' &&
        (await this.stage.unlessTooLate(() => locked.unpublish(state.ref))) === tooLate
      )
        return await this.completion.goForward();
      await insist(state, () => locked.pause(state.ref));
      this.stage.enter('paused');
      while (state.pauseRequested) await this.stage.observe(() => !state.pauseRequested);
    } finally {
      this.pausing = false;
    }
    return undefined;
  }

  private async resume(): Promise<void> {
    const { state } = this;
    await insist(state, () => locked.resume(state.ref));
    state.resumeWanted = false;
    state.pausedFor = null;
    // What was seen before tells of the streams as they were.
    state.observation = null;
  }

  private async verify(): Promise<void> {
    const { state } = this;
    this.stage.enter('verifying');
    for (let count = 1; ; count++) {
      const report = await this.vdiff();
      state.vdiff = report;
      if (report.state === 'completed' || report.state === 'differs' || count === vdiffTries) {
        state.finishVDiff(report);
        return;
      }
      this.stage.show();
      await sleep(count * 10_000);
    }
  }

  private async vdiff(): Promise<VDiffReport> {
    const uuid = uuid4();
    try {
      return await comparing.vdiff(this.state.ref, uuid, vdiffStallSeconds);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return {
        uuid,
        state: 'error',
        rowsCompared: '0',
        tables: [],
        errors: { '': problemOf(error).message },
        completedAt: null,
      };
    }
  }

  private async cancel(): Promise<MigrateResult> {
    this.stage.enter('cancelling');
    const droppedTables = await this.putBack();
    // The journal has the last word: Complete may have passed the point of no return meanwhile.
    if (droppedTables === tooLate) return this.completion.goForward();
    this.stage.enter('cancelled');
    return { outcome: 'cancelled', workflow: this.state.workflow, source: this.state.source, droppedTables };
  }

  private async putBack(): Promise<Record<string, NameList> | typeof tooLate> {
    const { ref, recorded } = this.state;
    if (recorded) return this.stage.unlessTooLate(async () => (await locked.cancel(ref)).droppedTables);
    if (this.leftBehind) await clearing.cancel(ref).catch(() => undefined);
    return {};
  }

  private planned({ plan, findings, details }: Extract<PreflightReport, { outcome: 'planned' }>): MigrateResult {
    const { workflow, source } = this.state;
    this.state.findings = findings;
    this.stage.enter('planned');
    return { outcome: 'planned', workflow, source, plan, findings, details };
  }

  private async end(): Promise<void> {
    await condition(allHandlersFinished);
  }
}

/** The two beginnings of a migration. */
type Start = { input: MigrateInput } | { adopt: AdoptInput };

/** @throws ApplicationFailure naming every wrong field */
function parseInput(raw: unknown): Start {
  try {
    const start: Start =
      typeof raw === 'object' && raw !== null && 'adopt' in raw
        ? { adopt: parseWith(adoptInputSchema, raw, 'the input of the workflow migrate') }
        : { input: parseWith(migrateInputSchema, raw ?? {}, 'the input of the workflow migrate') };
    const input = 'adopt' in start ? start.adopt : start.input;
    const { workflowId } = workflowInfo();
    if (workflowId === input.target) return start;
    throw new MigrationError(
      'INVALID_INPUT',
      `the workflow ID is ${workflowId}, and target is ${input.target}`,
      {},
      'give the workflow the identifier of the migration as its ID, so that there is only one of it',
    );
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
