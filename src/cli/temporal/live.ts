import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import {
  statusOfClosed,
  withPending,
  type ClosedRun,
  type Live,
  type Pending,
  type Retry,
  type Turn,
} from '../../migration/lifecycle/live.js';
import type { ProofReport } from '../../migration/checksum/report.js';
import { statusQuestion } from '../../migration/lifecycle/messages.js';
import type { CreateReport, Status } from '../../migration/lifecycle/status.js';
import type { Problem } from '../../migration/problem/errors.js';
import { problemOfFailure } from '../../migration/problem/failure.js';
import type { VDiffReport } from '../../migration/proof/vdiff.js';
import type { Observation } from '../../migration/watch/observation.js';
import { PassingError } from '../errors.js';
import { readClosedRun } from './closed.js';
import { described, type Migration, type Session } from './session.js';

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Payload = NonNullable<NonNullable<PendingActivity['heartbeatDetails']>['payloads']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;
type Converter = Client['options']['loadedDataConverter']['payloadConverter'];

/** PENDING_ACTIVITY_STATE_CANCEL_REQUESTED */
const cancelRequested: number = 3;

/**
 * Reads the status and merges the heartbeats of the running steps, which come about every second: the
 * workflow itself learns only of changes.
 * @throws CommandError when there is no such migration, or no answer
 */
export async function readLive(session: Session, migration: Migration): Promise<Live> {
  const description = await session.describe(migration);
  const { id, runId, taskQueue } = described(description);
  const closed = description.status.name === 'RUNNING' ? null : await readClosedRun(session, description);
  const handle = session.handle(id, description.runId);
  const asked = session.call(() => handle.query<Status>(statusQuestion.name), taskQueue);
  const pending = readPending(
    description.raw.pendingActivities ?? [],
    session.client.options.loadedDataConverter.payloadConverter,
  );
  const status =
    closed === null
      ? withPending(await asked, pending)
      : await asked.then(
          (recorded) => statusOfClosed(closed, recorded),
          (error: unknown) => statusWithoutAnswer(closed, id, error),
        );
  return { status, runId, taskQueue, retries: pending.retries, closed };
}

/** Takes heartbeats and last failures out of a description. */
function readPending(activities: readonly PendingActivity[], converter: Converter): Pending {
  const pending: Pending = { creating: null, observation: null, vdiff: null, proof: null, turns: [], retries: [] };
  for (const activity of activities) {
    const name = activity.activityType?.name ?? '';
    const heartbeat = decode(converter, activity.heartbeatDetails?.payloads?.[0]);
    if (isTurn(heartbeat)) pending.turns.push(heartbeat.turn);
    else if (heartbeat !== undefined) addHeartbeat(pending, name, heartbeat);
    if (activity.lastFailure && Number(activity.state) !== cancelRequested)
      pending.retries.push(toRetry(name, activity, activity.lastFailure, converter));
  }
  return pending;
}

function isTurn(heartbeat: unknown): heartbeat is Turn {
  return typeof heartbeat === 'object' && heartbeat !== null && 'turn' in heartbeat;
}

function addHeartbeat(pending: Pending, activity: string, heartbeat: unknown): void {
  if (activity === 'create') pending.creating = heartbeat as CreateReport;
  if (activity === 'observe') pending.observation = heartbeat as Observation;
  if (activity === 'vdiff') pending.vdiff = heartbeat as VDiffReport;
  if (activity === 'checksum' || activity === 'checksumNow') pending.proof = heartbeat as ProofReport;
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
  const detail = decode(converter, info?.details?.payloads?.[0]);
  return problemOfFailure({
    type: info?.type,
    message: rootMessage(failure),
    details: detail === undefined ? [] : [detail],
  });
}

function rootMessage(failure: Failure): string {
  return failure.cause ? rootMessage(failure.cause) : failure.message || 'unknown';
}

function decode(converter: Converter, payload: Payload | null | undefined): unknown {
  if (!payload) return undefined;
  try {
    return converter.fromPayload(payload);
  } catch {
    // An undecodable payload must not hide the rest.
    return undefined;
  }
}

/** A workflow that failed before it could answer has no query; without a worker there is no answer either. */
function statusWithoutAnswer(closed: ClosedRun, id: string, error: unknown): Status {
  if (error instanceof PassingError || (error instanceof Error && error.name === 'QueryNotRegisteredError'))
    return statusOfClosed(closed, null, id);
  throw error;
}
