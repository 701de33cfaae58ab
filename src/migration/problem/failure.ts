import { isErrorCode, type ErrorCode, type Problem } from './errors.js';

/** What Temporal keeps of the failure of a step. */
export interface StepFailure {
  /** An error code of ours, or the type of another error. */
  type: string | null | undefined;
  message: string;
  details: readonly unknown[];
}

/**
 * The problem behind the failure of a step: the one its activity sent, or `INTERNAL` for a failure
 * that is not ours, such as a time-out or a bug.
 */
export function problemOfFailure({ type, message, details }: StepFailure): Problem<ErrorCode> {
  if (!isErrorCode(type)) return { code: 'INTERNAL', message, place: {}, remedy: "the worker's log has the details" };
  const problem = details[0] as Problem<ErrorCode> | undefined;
  return problem ?? { code: type, message, place: {}, remedy: '' };
}
