import { ApplicationFailure } from '@temporalio/workflow';
import type { ErrorCode } from '../migration/problem/errors.js';
import { CONTINUED_AS_NEW } from './messages.js';
import type { Migration } from './state.js';

/** @throws ApplicationFailure BEING_CANCELLED */
export function refuseWhileCancelling({ intents }: Migration, more = ''): void {
  if (intents.cancel) refuse('BEING_CANCELLED', `the migration is being cancelled${more}`);
}

/** @throws ApplicationFailure PAST_NO_RETURN */
export function refuseAfterNoReturn({ pastNoReturn }: Migration): void {
  if (pastNoReturn) refuse('PAST_NO_RETURN', 'the migration is past the point of no return: it is being completed');
}

/** No update may wait past the end of a run. @throws ApplicationFailure CONTINUED_AS_NEW */
export function refuseWhileContinuing({ continuing }: Migration): void {
  if (continuing) refuse(CONTINUED_AS_NEW, 'the workflow is continuing as new: ask again');
}

function refuse(type: ErrorCode | typeof CONTINUED_AS_NEW, message: string): never {
  throw ApplicationFailure.create({ message, type, nonRetryable: true });
}
