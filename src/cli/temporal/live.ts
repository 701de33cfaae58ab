import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { isErrorCode, type Problem } from '../../migration/problem/errors.js';
import type { Observation } from '../../migration/watch/observation.js';
import { withObservation, type Status } from '../../migration/lifecycle/status.js';
import type { VDiffReport } from '../../migration/proof/vdiff.js';
import { PassingError } from '../errors.js';
import { readEnd, statusOfEnd, type End } from './closed.js';
import type { Migration, Session } from './session.js';

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Payload = NonNullable<NonNullable<PendingActivity['heartbeatDetails']>['payloads']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;
type Converter = Client['options']['loadedDataConverter']['payloadConverter'];

/** A step that has failed and is tried again by Temporal itself. */
export interface Retry {
  activity: string;
  attempt: number;
  /** ISO 8601; null while it is being tried. */
  nextAt: string | null;
  problem: Problem;
}

/** A migration as it is this very second. */
export interface Live {
  status: Status;
  runId: string;
  taskQueue: string;
  retries: Retry[];
  /** How it ended; null while it runs. */
  end: End | null;
}

/** What the pending activities add to the workflow's own status. */
export interface Pending {
  observation: Observation | null;
  vdiff: VDiffReport | null;
  retries: Retry[];
}

/** PENDING_ACTIVITY_STATE_CANCEL_REQUESTED */
const cancelRequested: number = 3;

/**
 * Reads the status and merges what the running steps heartbeat about every second: the workflow
 * itself learns of it only when something changes.
 * @throws CommandError when there is no such migration, or nobody answers
 */
export async function readLive(session: Session, migration: Migration): Promise<Live> {
  const description = await session.describe(migration);
  const { runId, taskQueue } = description;
  const pinned = session.migration(migration.workflowId, runId);
  const end = description.status.name === 'RUNNING' ? null : await readEnd(session, pinned, description);
  const asked = session.call(() => pinned.query<Status>('status'), taskQueue);
  const recorded =
    end === null
      ? await asked
      : await asked.catch((error: unknown) => statusWithoutWorker(end, migration.workflowId, error));
  const pending = readPending(
    description.raw.pendingActivities ?? [],
    session.client.options.loadedDataConverter.payloadConverter,
  );
  const status = end === null ? merge(recorded, pending) : statusOfEnd(end, recorded);
  return { status, runId, taskQueue, retries: pending.retries, end };
}

/** The status with the newest of what is pending. */
export function merge(status: Status, pending: Pending): Status {
  const { observation, vdiff, retries } = pending;
  const newer =
    observation !== null && (status.observedAt === null || observation.at > status.observedAt) ? observation : null;
  return {
    ...withObservation(status, newer),
    vdiff: vdiff !== null && status.phase === 'verifying' ? vdiff : status.vdiff,
    lastError: retries[0]?.problem ?? status.lastError,
  };
}

/** Takes heartbeats and last failures out of a description. */
export function readPending(activities: readonly PendingActivity[], converter: Converter): Pending {
  const pending: Pending = { observation: null, vdiff: null, retries: [] };
  for (const activity of activities) {
    const name = activity.activityType?.name ?? '';
    const heartbeat = decode(converter, activity.heartbeatDetails?.payloads?.[0]);
    if (name === 'observe' && heartbeat !== undefined) pending.observation = heartbeat as Observation;
    if (name === 'vdiff' && heartbeat !== undefined) pending.vdiff = heartbeat as VDiffReport;
    if (activity.lastFailure && Number(activity.state) !== cancelRequested)
      pending.retries.push(toRetry(name, activity, activity.lastFailure, converter));
  }
  return pending;
}

function toRetry(activity: string, pending: PendingActivity, failure: Failure, converter: Converter): Retry {
  const next = Number(pending.nextAttemptScheduleTime?.seconds ?? 0) * 1000;
  return {
    activity,
    attempt: pending.attempt ?? 1,
    nextAt: next > Date.now() ? new Date(next).toISOString() : null,
    problem: problemOf(failure, converter),
  };
}

function problemOf(failure: Failure, converter: Converter): Problem {
  const info = failure.applicationFailureInfo;
  if (info && isErrorCode(info.type)) {
    const problem = decode(converter, info.details?.payloads?.[0]);
    if (problem !== undefined) return problem as Problem;
    return { code: info.type, message: failure.message ?? '', place: {}, remedy: '' };
  }
  // Not one of ours: a step that was cut off, or a bug.
  return {
    code: 'TABLET_CALL_FAILED',
    message: failure.message ?? 'unknown',
    place: {},
    remedy: "the worker's log has the details",
  };
}

function decode(converter: Converter, payload: Payload | undefined): unknown {
  if (payload === undefined) return undefined;
  try {
    return converter.fromPayload(payload);
  } catch {
    // A heartbeat of another version is no reason to show nothing.
    return undefined;
  }
}

function statusWithoutWorker(end: End, id: string, error: unknown): Status {
  // A workflow that failed before it could listen knows no query; without a worker there is none either.
  if (error instanceof PassingError || (error instanceof Error && error.name === 'QueryNotRegisteredError'))
    return statusOfEnd(end, null, id);
  throw error;
}
