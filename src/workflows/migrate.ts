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
import type { Adoption } from '../migration/adopt/adoption.js';
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
import { comparing, locked, quick, reading } from './activities.js';
import { Completion } from './complete.js';
import { problemOf, toWorkflowFailure } from './failures.js';
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
  const { input, adopt } = parseInput(rawInput);
  const state = new MigrationState(input);
  listen(state);
  const temporal = CancellationScope.current();
  temporal.cancelRequested.catch(() => {
    state.cancelRequested ||= !state.pastNoReturn;
  });
  const result = await CancellationScope.nonCancellable(() => new Lifecycle(state, adopt).run());
  if (temporal.consideredCancelled && result.outcome === 'cancelled')
    throw new CancelledFailure('cancelled, the target is as it was');
  return result;
}

class Lifecycle {
  private readonly stage: Stage;
  private readonly completion: Completion;
  private pausing = false;

  constructor(
    private readonly state: MigrationState,
    private readonly adoption: AdoptInput | undefined,
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
      throw toWorkflowFailure(error, this.state.plan === undefined ? '' : '; everything has been put back');
    }
  }

  private async steps(): Promise<MigrateResult> {
    try {
      if (this.adoption !== undefined) {
        if ((await this.adopt(this.adoption)) === 'forward') return await this.completion.goForward();
      } else {
        await unless(
          () => this.state.cancelRequested,
          () => this.begin(),
        );
        if (this.state.input.dryRun) return this.planned();
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
  private async begin(): Promise<void> {
    const { state } = this;
    if (state.input.mount !== undefined) {
      this.stage.enter('mounting');
      await quick.mount(parseSourceIdentifier(state.input.source).mount, state.input.mount);
    }
    this.stage.enter('checking');
    const plan = await reading.preflight(state.input, state.runId);
    state.plan = plan;
    if (!state.input.dryRun) await this.create();
  }

  private async create(): Promise<void> {
    const { state } = this;
    this.stage.enter('creating');
    await attempt(state, () => locked.create(this.stage.plan(), state.runId, state.input), createTries);
    state.created = true;
  }

  /**
   * Takes over a migration that is in the cluster already. Until its journal is this run's there is
   * nothing to put back, and a Cancel that comes meanwhile waits for it.
   */
  private async adopt(request: AdoptInput): Promise<Adoption['next']> {
    const { state } = this;
    this.stage.enter('checking');
    const adoption = await attempt(state, () => locked.adopt(request, state.runId), createTries);
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
        (await this.stage.unlessTooLate(() => locked.unpublish(this.stage.plan(), state.runId))) === tooLate
      )
        return await this.completion.goForward();
      await insist(state, () => locked.pause(this.stage.plan()));
      this.stage.enter('paused');
      while (state.pauseRequested) await this.stage.observe(() => !state.pauseRequested);
    } finally {
      this.pausing = false;
    }
    return undefined;
  }

  private async resume(): Promise<void> {
    const { state } = this;
    await insist(state, () => locked.resume(this.stage.plan()));
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
      return await comparing.vdiff(this.stage.plan(), uuid, vdiffStallSeconds);
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
    return { outcome: 'cancelled', workflow: this.state.input.target, source: this.state.input.source, droppedTables };
  }

  private async putBack(): Promise<Record<string, string[]> | typeof tooLate> {
    const { state } = this;
    if (state.plan === undefined || state.input.dryRun) return {};
    return this.stage.unlessTooLate(
      async () => (await locked.cancel(parseWorkflowIdentifier(state.input.target), state.runId)).droppedTables,
    );
  }

  private planned(): MigrateResult {
    this.stage.enter('planned');
    return {
      outcome: 'planned',
      workflow: this.state.input.target,
      source: this.state.input.source,
      plan: this.stage.plan(),
    };
  }

  private async end(): Promise<void> {
    await condition(allHandlersFinished);
  }
}

/** @throws ApplicationFailure naming every wrong field */
function parseInput(raw: unknown): { input: MigrateInput; adopt: AdoptInput | undefined } {
  try {
    const adopt =
      typeof raw === 'object' && raw !== null && 'adopt' in raw
        ? parseWith(adoptInputSchema, raw, 'the input of the workflow migrate')
        : undefined;
    // Until it is known what it was begun with: its names, and defaults.
    const input =
      adopt === undefined
        ? parseWith(migrateInputSchema, raw ?? {}, 'the input of the workflow migrate')
        : migrateInputSchema.parse({ source: adopt.source, target: adopt.target, all: true });
    const { workflowId } = workflowInfo();
    if (workflowId === input.target) return { input, adopt };
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
