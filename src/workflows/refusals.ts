import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { CONTINUED_AS_NEW, type messages } from '../migration/lifecycle/messages.js';
import { refusalOf, type Ending } from '../migration/lifecycle/refusals.js';
import { failureOf } from './failures.js';
import type { Migration } from './state.js';

/** @throws ApplicationFailure BEING_CANCELLED or PAST_NO_RETURN when a message comes too late */
export function refuseLate(message: keyof typeof messages, ending: Ending): void {
  const refusal = refusalOf(message, ending);
  if (refusal !== undefined) throw failureOf(refusal);
}

/** No update may wait past the end of a run. @throws ApplicationFailure CONTINUED_AS_NEW */
export function refuseWhileContinuing({ continuing }: Migration): void {
  if (continuing) askAgain('the workflow is continuing as new: ask again');
}

/** A question leaves events in a history. @throws ApplicationFailure CONTINUED_AS_NEW when that is long already */
export function refuseQuestion(): void {
  if (workflowInfo().continueAsNewSuggested)
    askAgain('the history is long, and the workflow continues as new soon: ask by the workflow readiness instead');
}

function askAgain(message: string): never {
  throw ApplicationFailure.create({ message, type: CONTINUED_AS_NEW, nonRetryable: true });
}
