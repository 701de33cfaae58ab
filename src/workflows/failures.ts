import { ActivityFailure, ApplicationFailure, rootCause } from '@temporalio/workflow';
import { describeProblem, MigrationError, type ErrorCode, type Problem } from '../migration/problem/errors.js';
import { problemOfFailure } from '../migration/problem/failure.js';

/** The problem behind the failure of a step. */
export function problemOf(error: unknown): Problem<ErrorCode> {
  if (error instanceof MigrationError) return error.toProblem();
  const failure = error instanceof ActivityFailure ? error.cause : error;
  const { type, details } = failure instanceof ApplicationFailure ? failure : {};
  return problemOfFailure({ type, message: rootCause(error) ?? String(error), details: details ?? [] });
}

/** True when trying again cannot help, by the error's code. */
export function isFinal(error: unknown): boolean {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  return failure instanceof ApplicationFailure && failure.nonRetryable === true;
}

/** The failure that ends a workflow: the step's own message and code, not retried. */
export function toWorkflowFailure(error: unknown, suffix = ''): ApplicationFailure {
  return failureOf(problemOf(error), suffix);
}

/** The failure that gives a problem as its reason. */
export function failureOf(problem: Problem, suffix = ''): ApplicationFailure {
  return ApplicationFailure.create({
    message: describeProblem(problem) + suffix,
    type: problem.code,
    nonRetryable: true,
    details: [problem],
  });
}
