import { Context } from '@temporalio/activity';
import type { EffectContext } from '../../effects/context.js';
import { JournalStore, type MigrationRecord } from '../../effects/journal.js';
import { migrateInputSchema, type MigrateInput } from '../../migration/input/input.js';
import type { MigrationRef } from '../../migration/plan/reference.js';
import type { Plan } from '../../migration/plan/plan.js';
import type { Clients } from '../../vitess/clients.js';
import {
  withKeyspaceLock,
  withWorkflowLock,
  type KeyspaceLock,
  type WorkflowLock,
} from '../../vitess/topology/lock.js';
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

/** An activity that holds the named locks of its workflows: it may change things. */
export class LockedStep extends Step implements EffectContext {
  constructor(
    clients: Clients,
    ref: MigrationRef,
    readonly lock: WorkflowLock,
    readonly action: string,
    private readonly interruptible: boolean,
  ) {
    super(clients, ref);
  }

  /**
   * Runs a part of the step under the lock of the target keyspace as well. All migrations of the keyspace share it, so
   * that it is for what changes the keyspace's records, and for what has to be looked at before.
   * @throws MigrationError LOCKED, naming the holder
   */
  underKeyspaceLock<T>(work: (lock: KeyspaceLock) => Promise<T>): Promise<T> {
    return withKeyspaceLock(this.clients.target, this.ref.id.keyspace, this.action, work);
  }

  async beforeEffect(): Promise<void> {
    if (this.interruptible) this.stopIfCancelled();
    await this.lock.check();
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
 * Runs a step under the named locks of the migration's workflows, with a steady heartbeat.
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
    return withWorkflowLock(clients.target, { ...ref.id, workflows }, action, (lock) =>
      work(new LockedStep(clients, ref, lock, action, interruptible), tell),
    );
  });
}
