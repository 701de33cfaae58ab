import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MigrationError } from '../../migration/problem/errors.js';

/**
 * The failure of an activity for an error: `type` is the code, `details[0]` the Problem, and the table of codes
 * decides whether Temporal retries it. Other errors pass through: they are bugs.
 */
export function toFailure(error: unknown): unknown {
  return error instanceof MigrationError ? failureOf(error, error.retryable) : error;
}

/** A failure that is final otherwise, for an attempt that has left something to do: it is tried again. */
export function notYetFinal(error: MigrationError): ApplicationFailure {
  return failureOf(error, true);
}

function failureOf(error: MigrationError, retryable: boolean): ApplicationFailure {
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !retryable,
    details: [error.toProblem()],
    ...(error.cause instanceof Error ? { cause: error.cause } : {}),
  });
}

/** Wraps every function of a set of activities so that its errors leave as failures. */
export function withFailures<T extends Record<string, (...args: never[]) => Promise<unknown>>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    async (...args: never[]) => {
      try {
        return await run(...args);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** @throws CancelledFailure when the workflow no longer wants the activity's work */
export function stopIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledFailure('the step was cancelled');
}
