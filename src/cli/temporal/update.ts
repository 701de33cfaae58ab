import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, type WorkflowUpdateHandle } from '@temporalio/client';
import { CONTINUED_AS_NEW, type Message } from '../../migration/lifecycle/messages.js';
import { CommandError, PassingError } from '../errors.js';
import type { Migration, Session } from './session.js';

/** Milliseconds between two attempts to get an answer. */
const retryInterval = 1_000;

/** An update that the workflow has accepted and not yet answered. */
export class PendingUpdate<Answer> {
  private constructor(
    private readonly session: Session,
    private readonly migration: Migration,
    private readonly send: () => Promise<WorkflowUpdateHandle<Answer>>,
    private update: WorkflowUpdateHandle<Answer>,
  ) {}

  /**
   * Sends an update and returns once the workflow has accepted it.
   * @throws CommandError when the workflow refuses it, or no worker takes it
   */
  static async send<Payload, Answer>(
    session: Session,
    migration: Migration,
    { name }: Message<Payload, Answer>,
    payload: Payload,
  ): Promise<PendingUpdate<Answer>> {
    const { id, runId: firstExecutionRunId, taskQueue } = migration;
    const chain = firstExecutionRunId === undefined ? {} : { firstExecutionRunId };
    const handle = session.client.workflow.getHandle(id, undefined, chain);
    const send = () =>
      session.call(
        () => handle.startUpdate<Answer, [Payload]>(name, { args: [payload], waitForStage: 'ACCEPTED' }),
        taskQueue,
      );
    try {
      return new PendingUpdate(session, migration, send, await send());
    } catch (error) {
      // Temporal may keep the request and give it to the next worker: seen after a worker's crash.
      if (error instanceof PassingError)
        throw new CommandError(
          `${error.message}. A worker that starts later may still take the request: see vtmigrate Workflow Show ${id}`,
        );
      throw error;
    }
  }

  /** Waits for the answer, however long it takes. @throws CommandError with the workflow's reason */
  async answer(): Promise<Answer> {
    for (;;) {
      try {
        return await this.next();
      } catch (error) {
        const translated = await this.session.translate(error, this.migration.taskQueue ?? this.session.taskQueue);
        if (!(translated instanceof PassingError)) throw translated;
        await sleep(retryInterval);
      }
    }
  }

  private async next(): Promise<Answer> {
    try {
      return await this.update.result();
    } catch (error) {
      if (!(await this.wasCutOff(error))) throw error;
    }
    this.update = await this.send();
    return this.next();
  }

  /** True when a continue-as-new has closed the run that accepted the update. */
  private async wasCutOff(error: unknown): Promise<boolean> {
    const type = error instanceof WorkflowUpdateFailedError ? failureType(error.cause) : undefined;
    if (type === CONTINUED_AS_NEW) return true;
    // Temporal's own failure also covers a migration that has ended.
    if (type !== 'AcceptedUpdateCompletedWorkflow') return false;
    return (await this.session.describe(this.migration)).status.name === 'RUNNING';
  }
}

function failureType(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'type' in cause ? cause.type : undefined;
}
