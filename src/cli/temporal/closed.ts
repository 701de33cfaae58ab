import { CancelledFailure, WorkflowFailedError, type WorkflowExecutionDescription } from '@temporalio/client';
import { isErrorCode, type Problem } from '../../migration/problem/errors.js';
import { noTotals } from '../../migration/watch/observation.js';
import type { MigrateResult } from '../../migration/lifecycle/result.js';
import type { Phase, Status } from '../../migration/lifecycle/status.js';
import { reasonOf, type Migration, type Session } from './session.js';

/** How a migration ended. */
export interface End {
  /** ISO 8601 */
  at: string;
  result: MigrateResult | null;
  /** The words of the failure; null when it ended well. */
  failure: string | null;
  problem: Problem | null;
  /** What ended it: `failed` is the migration itself, the others are Temporal's own. */
  how: 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out';
}

/** Reads the result, or the failure, of a migration that has ended. @throws CommandError */
export async function readEnd(
  session: Session,
  migration: Migration,
  description: WorkflowExecutionDescription,
): Promise<End> {
  const at = (description.closeTime ?? new Date()).toISOString();
  const result = (await session.call(() => migration.result().catch(keepFailure))) as
    MigrateResult | WorkflowFailedError;
  return result instanceof WorkflowFailedError
    ? failed(at, result, description.status.name)
    : { at, result, failure: null, problem: null, how: 'completed' };
}

/** A failed workflow is an answer here, not a failed call. */
function keepFailure(error: unknown): WorkflowFailedError {
  if (error instanceof WorkflowFailedError) return error;
  throw error;
}

function failed(at: string, error: WorkflowFailedError, status: string): End {
  const how =
    status === 'TERMINATED'
      ? 'terminated'
      : status === 'TIMED_OUT'
        ? 'timed out'
        : error.cause instanceof CancelledFailure
          ? 'cancelled'
          : 'failed';
  const cause = error.cause as { type?: string | null; details?: unknown[] } | undefined;
  const problem = isErrorCode(cause?.type) ? ((cause.details?.[0] as Problem | undefined) ?? null) : null;
  return { at, result: null, failure: reasonOf(error), problem, how };
}

/** The status of a migration that has ended: what it answers itself, corrected by what Temporal knows. */
export function statusOfEnd(end: End, recorded: Status | null, id = ''): Status {
  const base = recorded ?? bareStatus(end, id);
  const phase = phaseOf(end);
  const abandoned = end.how === 'terminated' || end.how === 'timed out';
  return {
    ...base,
    phase,
    since: base.phase === phase ? base.since : end.at,
    lastError: end.problem ?? base.lastError,
    requested: [],
    waitingFor: abandoned
      ? [
          `a person: the Temporal workflow was ${end.how}, so nobody looks after this migration; vtmigrate Migrate Complete ${base.workflow}, or Migrate Cancel, takes over what is still there`,
        ]
      : [],
  };
}

function phaseOf(end: End): Phase {
  if (end.result !== null) return end.result.outcome;
  return end.how === 'cancelled' ? 'cancelled' : 'failed';
}

function bareStatus({ at, result }: End, id: string): Status {
  return {
    workflow: result?.workflow ?? id,
    source: result?.source ?? '',
    phase: 'failed',
    since: at,
    observedAt: null,
    copiedPercent: result?.outcome === 'completed' ? 100 : 0,
    remainingSeconds: null,
    lagSeconds: null,
    streams: [],
    totals: noTotals,
    tables: [],
    vdiff: result?.outcome === 'completed' ? result.vdiff : null,
    requested: [],
    waitingFor: [],
    needsPerson: null,
    createDone: false,
    served: false,
    missing: [],
    lastError: null,
    problems: [],
    warnings: [],
    findings: [],
    pastNoReturn: result?.outcome === 'completed',
    retireAt: null,
  };
}
