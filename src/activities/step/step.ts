import { Context } from '@temporalio/activity';
import type { EffectContext } from '../../effects/context.js';
import { JournalStore, type MigrationRecord } from '../../effects/journal.js';
import { migrateInputSchema, type MigrateInput } from '../../migration/input/input.js';
import type { MigrationRef } from '../../migration/plan/reference.js';
import type { Plan } from '../../migration/plan/plan.js';
import type { Clients } from '../../vitess/clients.js';
import { withMigrationLocks, type MigrationLocks } from '../../vitess/topology/lock.js';
import { stopIfCancelled } from './failure.js';
import { withHeartbeat } from './heartbeat.js';

/** An activity of a migration at work, without a lock: it may read. */
export class Step {
  readonly journals: JournalStore;
  private known: MigrationRecord | undefined;

  constructor(
    readonly clients: Clients,
    readonly ref: MigrationRef,
  ) {
    this.journals = new JournalStore(clients.target, ref.id);
  }

  /** The plan, read once. @throws MigrationError MIGRATION_EXISTS when another run owns the migration, or none */
  async plan(): Promise<Plan> {
    return (await this.record()).plan;
  }

  /** What was asked for, with what has been changed since; what an earlier version did not know has its default. */
  async input(): Promise<MigrateInput> {
    return migrateInputSchema.parse((await this.record()).input);
  }

  private async record(): Promise<MigrationRecord> {
    this.known ??= await this.journals.requireRecord(this.ref.runId);
    return this.known;
  }

  /** @throws CancelledFailure when the workflow no longer wants this step */
  stopIfCancelled(): void {
    stopIfCancelled(Context.current().cancellationSignal);
  }

  /**
   * Waits for a call that changes nothing, unless the workflow no longer wants this step.
   * @throws CancelledFailure
   */
  unlessCancelled<T>(call: Promise<T>): Promise<T> {
    return Promise.race([call, Context.current().cancelled]);
  }
}

/** An activity that holds the locks that `vtctldclient Migrate` takes: it may change things. */
export class LockedStep extends Step implements EffectContext {
  constructor(
    clients: Clients,
    ref: MigrationRef,
    readonly locks: MigrationLocks,
    private readonly interruptible: boolean,
  ) {
    super(clients, ref);
  }

  async beforeEffect(): Promise<void> {
    if (this.interruptible) this.stopIfCancelled();
    await this.locks.check();
  }
}

export interface StepOptions {
  /** False for a step that goes on when it is cancelled: putting back, and everything past the point of no return. */
  interruptible?: boolean;
}

/** Runs a step that only reads, with a steady heartbeat. */
export function readingStep<T>(clients: Clients, ref: MigrationRef, work: (step: Step) => Promise<T>): Promise<T> {
  return withHeartbeat(() => work(new Step(clients, ref)));
}

/** Sets the details of a step's heartbeats. */
export type Tell = (details: unknown) => void;

/**
 * Runs a step under the migration's locks, with a steady heartbeat.
 * @param action what the locks say this process is doing
 * @throws MigrationError LOCKED, naming the holder
 */
export function lockedStep<T>(
  clients: Clients,
  ref: MigrationRef,
  action: string,
  work: (step: LockedStep, tell: Tell) => Promise<T>,
  { interruptible = true }: StepOptions = {},
): Promise<T> {
  return withHeartbeat(async (_, tell) => {
    const workflows = await new JournalStore(clients.target, ref.id).workflows();
    return withMigrationLocks(clients.target, { ...ref.id, workflows }, action, (locks) =>
      work(new LockedStep(clients, ref, locks, interruptible), tell),
    );
  });
}
