import { isGrpcServiceError } from '@temporalio/client';
import { CommandError, PassingError } from '../errors.js';

/** gRPC status codes, by their numbers on the wire. */
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** A gRPC status as Temporal answers it. */
export interface GrpcStatus {
  code: number;
  details: string;
}

/** The gRPC status behind an error of the SDK; undefined when there is none. */
export function grpcStatus(error: unknown): GrpcStatus | undefined {
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(cause) ? { code: cause.code, details: cause.details } : undefined;
}

/** True when Temporal itself cannot be reached. */
export function isUnavailable(status: GrpcStatus | undefined): boolean {
  return status?.code === UNAVAILABLE;
}

/** True for a call without an answer in time. A deadline appears as either code, depending on which side notices it. */
export function isUnanswered(status: GrpcStatus): boolean {
  return [CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION].includes(status.code);
}

/** Why Temporal could not ask a worker; empty when it only took too long. */
export function reasonFor(status: GrpcStatus | undefined): string {
  return status?.code === FAILED_PRECONDITION ? ` (${status.details})` : '';
}

/** The error at the root of a failure: the message of the step that failed. */
export function reasonOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error && root.name !== 'ApplicationFailure') root = root.cause;
  return root instanceof Error ? root.message : String(root);
}

/** Temporal cannot be reached. */
export function unreachable(address: string, error: unknown): PassingError {
  const details = grpcStatus(error)?.details ?? (error instanceof Error ? error.message : String(error));
  return new PassingError(
    `Temporal does not answer at ${address} (${details}): is it running? ` +
      'The address comes from TEMPORAL_ADDRESS or the profile',
  );
}

/** The error of a failed connection. */
export function connectionError(address: string, error: unknown): CommandError {
  const status = grpcStatus(error);
  if (status === undefined || ![PERMISSION_DENIED, UNAUTHENTICATED].includes(status.code))
    return unreachable(address, error);
  return new CommandError(
    `Temporal at ${address} does not let you in: ${status.details} (TEMPORAL_API_KEY, TEMPORAL_TLS_…)`,
  );
}

/** No worker polls the task queue. */
export function noWorker(taskQueue: string): PassingError {
  return new PassingError(
    `no worker answers on task queue ${taskQueue}: start one with npm run worker ` +
      '(VTMIGRATE_TASK_QUEUE names the queue)',
  );
}
