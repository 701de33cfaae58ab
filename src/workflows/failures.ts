import { ActivityFailure, ApplicationFailure, rootCause } from '@temporalio/workflow';
import { describeProblem, isErrorCode, MigrationError, type Problem } from '../migration/problem/errors.js';

/** What a failed step says: the Problem its activity sent, or the bare text of anything else. */
export function problemOf(error: unknown): Problem {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  if (error instanceof MigrationError) return error.toProblem();
  if (failure instanceof ApplicationFailure && isErrorCode(failure.type)) {
    const problem = failure.details?.[0] as Problem | undefined;
    if (problem !== undefined) return problem;
  }
  return {
    code: 'INTERNAL',
    message: rootCause(error) ?? String(error),
    place: {},
    remedy: "the worker's log has the details",
  };
}

/** True when trying again cannot help, by the error's code. */
export function isFinal(error: unknown): boolean {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  return failure instanceof ApplicationFailure && failure.nonRetryable === true;
}

/** The failure that ends a workflow: the step's own message and code, not retried. */
export function toWorkflowFailure(error: unknown, suffix = ''): ApplicationFailure {
  const problem = problemOf(error);
  return ApplicationFailure.create({
    message: describeProblem(problem) + suffix,
    type: problem.code,
    nonRetryable: true,
    details: [problem],
  });
}
