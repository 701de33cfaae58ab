import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  workflowInfo,
} from '@temporalio/workflow';
import { settingsOf } from '../migration/adopt/adoption.js';
import { parseWorkflowIdentifier } from '../migration/input/identifier.js';
import { isSteady, type Step } from '../migration/lifecycle/next-step.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import type { MigrationState } from '../migration/lifecycle/state.js';
import { describeProblem } from '../migration/problem/errors.js';
import { adopt, create, createFrom } from './begin.js';
import { Completion } from './complete.js';
import { LifecycleContext, tooLate } from './context.js';
import { problemOf, toWorkflowFailure } from './failures.js';
import { listen } from './handlers.js';
import { interruptible, Interrupted } from './retry.js';
import { parseStart, type Start } from './start.js';
import { Migration } from './state.js';
import { copy, hold, leave, pause, repair, resume, update, verify, wait } from './steps.js';

/** Steps that tables which are to leave cut off. */
const cutOffByLeave: ReadonlySet<Step | 'create'> = new Set<Step>([
  'copy',
  'repair',
  'verify',
  'wait',
  'hold',
  'complete',
]);

/** Steps that a change of options cuts off. */
const cutOffByUpdate: ReadonlySet<Step | 'create'> = new Set<Step>(['copy', 'verify', 'wait', 'hold']);

/** What the steps do that neither end the migration nor fail; some may find that it is too late for them. */
const steps: Record<Exclude<Step, 'cancel' | 'complete'>, (context: LifecycleContext) => Promise<unknown>> = {
  pause,
  leave,
  update,
  hold,
  resume,
  copy,
  repair,
  verify,
  wait,
};

/** The end of a run that hands the migration to the next one. */
const continues = Symbol('continues as new');

/**
 * Moves tables from a mounted external cluster into a target keyspace: Mount, Create, Monitor, VDiff,
 * Complete or Cancel. The workflow ID is the workflow identifier, `commerce.wf`.
 *
 * @param rawInput see `migrateContract`; or `adoptInputSchema`, to adopt a migration that is in the cluster
 * @param carried the state of the run before, when this one continues it
 * @throws ApplicationFailure with an error code as its type, after everything has been put back
 */
export async function migrate(rawInput: unknown, carried?: MigrationState): Promise<MigrateResult> {
  const start = parseStart(rawInput, carried);
  const { source, target } = start.input;
  const ref = { id: parseWorkflowIdentifier(target), runId: workflowInfo().firstExecutionRunId };
  const migration =
    start.how === 'continue'
      ? new Migration(ref, start.carried)
      : Migration.begin(ref, source, start.how === 'create' ? settingsOf(start.input) : null);
  listen(migration);
  const temporal = CancellationScope.current();
  temporal.cancelRequested.catch(() => migration.requestCancel());
  const result = await CancellationScope.nonCancellable(() => new Lifecycle(migration, start).run());
  if (result === continues) return continueAsNew<typeof migrate>(rawInput, migration.carried());
  if (temporal.consideredCancelled && result.outcome === 'cancelled')
    throw new CancelledFailure('cancelled, the target is as it was');
  return result;
}

class Lifecycle {
  private readonly context: LifecycleContext;
  private readonly completion: Completion;

  constructor(
    private readonly migration: Migration,
    private readonly start: Start,
  ) {
    this.context = new LifecycleContext(migration);
    this.completion = new Completion(this.context);
  }

  async run(): Promise<MigrateResult | typeof continues> {
    try {
      const result = await this.steps();
      await condition(allHandlersFinished);
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.migration.progress.lastError = problemOf(error);
      this.context.enter('failed');
      await condition(allHandlersFinished);
      throw toWorkflowFailure(error, this.afterword());
    }
  }

  private afterword(): string {
    const { facts, progress } = this.migration;
    const { reached } = progress;
    if (reached === 'nothing') return '';
    const putBack = reached === 'uncertain' ? [] : ['everything has been put back'];
    return `; ${[...putBack, ...facts.warnings.map(describeProblem)].join('; but ')}`;
  }

  private async steps(): Promise<MigrateResult | typeof continues> {
    try {
      return (await this.begin()) ?? (await this.loop());
    } catch (error) {
      // Before the point of no return a failure puts everything back; after it there is none.
      if ((await this.context.putBack()) === tooLate) return this.completion.goForward();
      throw error;
    }
  }

  /** Everything up to the end of Create. A result ends the migration. */
  private async begin(): Promise<MigrateResult | undefined> {
    const { start, context } = this;
    const interruptedByCancel = (work: () => Promise<MigrateResult | undefined>) => this.unlessWished('create', work);
    switch (start.how) {
      case 'create':
        return interruptedByCancel(() => createFrom(context, start.input));
      case 'adopt': {
        const next = await adopt(context, start.input);
        if (next === 'forward') return this.completion.goForward();
        return next === 'create' ? interruptedByCancel(() => create(context)) : undefined;
      }
      case 'continue':
        context.show();
        return undefined;
    }
  }

  private async loop(): Promise<MigrateResult | typeof continues> {
    for (;;) {
      const step = this.migration.nextStep();
      if (await this.mayContinueAsNew(step)) return continues;
      await this.context.besides(step);
      const result = await this.unlessWished(step, () => this.take(step));
      if (result !== undefined) return result;
    }
  }

  /** Cancel cuts off what is under way, the others all but short steps. The next step carries it out. */
  private async unlessWished<T>(step: Step | 'create', work: () => Promise<T>): Promise<T | undefined> {
    const { facts, intents } = this.migration;
    const wished = () =>
      intents.cancel ||
      (intents.streams.want === 'pause' && !facts.streamsPaused && !['create', 'pause', 'leave'].includes(step)) ||
      (intents.leave.some(({ judged }) => judged) && cutOffByLeave.has(step)) ||
      (intents.options !== null && cutOffByUpdate.has(step));
    try {
      return await (step === 'cancel' ? work() : interruptible(() => wished() && !this.migration.pastNoReturn, work));
    } catch (error) {
      if (error instanceof Interrupted) return undefined;
      throw error;
    }
  }

  private async take(step: Step): Promise<MigrateResult | undefined> {
    if (step === 'cancel') return this.cancel();
    if (step === 'complete') return this.completion.complete();
    return (await steps[step](this.context)) === tooLate ? this.completion.goForward() : undefined;
  }

  private async cancel(): Promise<MigrateResult> {
    // Complete got there while it was being cut off.
    if (this.migration.pastNoReturn && patched('no-way-back')) return this.completion.goForward();
    this.context.enter('cancelling');
    const droppedTables = await this.context.putBack();
    // The journal has the last word: Complete may have passed the point of no return meanwhile.
    if (droppedTables === tooLate) return this.completion.goForward();
    this.context.enter('cancelled');
    const { workflow, source, warnings } = this.migration.facts;
    return { outcome: 'cancelled', workflow, source, droppedTables, warnings };
  }

  /**
   * True when Temporal suggests it and nothing is under way. Updates that wait are answered first; a wish
   * that comes meanwhile is carried out before.
   */
  private async mayContinueAsNew(step: Step): Promise<boolean> {
    const { migration } = this;
    if (!workflowInfo().continueAsNewSuggested || !isSteady(step, migration)) return false;
    const isWished = () => migration.nextStep() !== step;
    migration.continuing = true;
    await condition(() => allHandlersFinished() || isWished());
    // Stopping takes a while, in which an update that is accepted would be cut off.
    if (!isWished()) await this.context.stopBesides();
    migration.continuing = false;
    return allHandlersFinished() && !isWished();
  }
}
