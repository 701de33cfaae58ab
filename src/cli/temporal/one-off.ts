import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { AuditInput, MountInput, ReadinessInput, TablesInput } from '../../migration/input/input.js';
import type { CompleteAnswer } from '../../migration/lifecycle/messages.js';
import type { TablePage } from '../../migration/lifecycle/table-page.js';
import type { AuditResult } from '../../workflows/audit.js';
import { CommandError } from '../errors.js';
import { noWorker, reasonOf } from './refusals.js';
import { callTimeout, type Session } from './session.js';

/** Milliseconds: time for a step that tries an unreachable cluster several times. */
const patience = 8 * 60_000;
/** PENDING_WORKFLOW_TASK_STATE_SCHEDULED: no worker has taken it. */
const scheduled: number = 1;

/** A workflow that a command runs for its result alone. */
export interface OneOff {
  type: 'mount' | 'audit' | 'readiness' | 'tables';
  /** What it works on, for the workflow ID. */
  of: string;
  input: MountInput | AuditInput | ReadinessInput | TablesInput;
  summary: string;
  /** A duration such as `10 minutes`. */
  timeout: '10 minutes' | '2 hours';
}

/** Starts a workflow under an ID of its own. @throws CommandError */
export function startOneOff(session: Session, { type, of, input, summary, timeout }: OneOff): Promise<WorkflowHandle> {
  return session.call(() =>
    session.client.workflow.start(type, {
      taskQueue: session.taskQueue,
      workflowId: `${type}-${of}-${randomUUID()}`,
      args: [input],
      staticSummary: summary,
      workflowExecutionTimeout: timeout,
    }),
  );
}

/**
 * Waits for the result of a workflow that a person wants now, not an hour later: if no worker takes it
 * in time, it is terminated.
 * @throws CommandError with the workflow's reason
 */
export async function resultSoon<T>(session: Session, handle: WorkflowHandle): Promise<T> {
  try {
    return (await session.client.withDeadline(Date.now() + callTimeout, () => handle.result())) as T;
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw new CommandError(reasonOf(error));
    const { raw } = await session.call(() => handle.describe());
    const task: number | null | undefined = raw.pendingWorkflowTask?.state;
    if (task === scheduled) {
      await session.call(() => handle.terminate('no worker took it'));
      throw noWorker(session.taskQueue);
    }
  }
  return (await session.call(
    () =>
      handle.result().catch((error: unknown) => {
        throw error instanceof WorkflowFailedError ? new CommandError(reasonOf(error)) : error;
      }),
    session.taskQueue,
    patience,
  )) as T;
}

/** Runs the workflow `audit`. @throws CommandError */
export async function runAuditWorkflow(session: Session, input: AuditInput): Promise<AuditResult> {
  const of = input.workflow === undefined ? input.keyspace : `${input.keyspace}.${input.workflow}`;
  const summary = `what is left of ${of}`;
  return resultSoon(session, await startOneOff(session, { type: 'audit', of, input, summary, timeout: '2 hours' }));
}

/** Runs the workflow `readiness`: whether this Complete would go through. @throws CommandError */
export async function runReadinessWorkflow(session: Session, input: ReadinessInput): Promise<CompleteAnswer> {
  const { target } = input;
  const summary = `is ${target} ready to complete?`;
  return resultSoon(
    session,
    await startOneOff(session, { type: 'readiness', of: target, input, summary, timeout: '10 minutes' }),
  );
}

/** Runs the workflow `tables`: one page of the tables of a migration. @throws CommandError */
export async function runTablesWorkflow(session: Session, target: string, page: number): Promise<TablePage> {
  const summary = `page ${page} of the tables of ${target}`;
  const input = { target, page };
  return resultSoon(
    session,
    await startOneOff(session, { type: 'tables', of: target, input, summary, timeout: '10 minutes' }),
  );
}
