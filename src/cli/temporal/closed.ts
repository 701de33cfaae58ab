import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import type { ClosedRun } from '../../migration/lifecycle/live.js';
import type { MigrateResult } from '../../migration/lifecycle/result.js';
import { isErrorCode, type Problem } from '../../migration/problem/errors.js';
import { reasonOf } from './refusals.js';
import type { Description, Session } from './session.js';

/** Reads the result, or the failure, of a migration whose workflow has closed. @throws CommandError */
export async function readClosedRun(session: Session, description: Description): Promise<ClosedRun> {
  const { workflowId, runId, closeTime, status } = description;
  const at = (closeTime ?? new Date()).toISOString();
  const handle = session.handle(workflowId, runId);
  const result = (await session.call(() => handle.result().catch(keepFailure))) as MigrateResult | WorkflowFailedError;
  return result instanceof WorkflowFailedError
    ? failed(at, result, status.name)
    : { at, result, failure: null, problem: null, how: 'completed' };
}

/** A failed workflow is an answer here, not a failed call. */
function keepFailure(error: unknown): WorkflowFailedError {
  if (error instanceof WorkflowFailedError) return error;
  throw error;
}

function failed(at: string, error: WorkflowFailedError, status: string): ClosedRun {
  const cause = error.cause as { type?: string | null; details?: unknown[] } | undefined;
  const problem = isErrorCode(cause?.type) ? ((cause.details?.[0] as Problem | undefined) ?? null) : null;
  return { at, result: null, failure: reasonOf(error), problem, how: howItEnded(error, status) };
}

function howItEnded(error: WorkflowFailedError, status: string): ClosedRun['how'] {
  if (status === 'TERMINATED') return 'terminated';
  if (status === 'TIMED_OUT') return 'timed out';
  return error.cause instanceof CancelledFailure ? 'cancelled' : 'failed';
}
