import type { Problem } from '../problem/errors.js';
import type { messages } from './messages.js';

/** What decides whether a message may still come. */
export interface Ending {
  cancelling: boolean;
  pastNoReturn: boolean;
  /** The tables are tried through vtgate. */
  serving: boolean;
}

/** Why a message comes too late; undefined while it does not. Cancel may come twice, and Complete is going on. */
export function refusalOf(
  message: keyof typeof messages,
  { cancelling, pastNoReturn, serving }: Ending,
): Problem<'BEING_CANCELLED' | 'PAST_NO_RETURN' | 'NOTHING_TO_SKIP'> | undefined {
  if (message === 'retry' || (message === 'skip' && serving)) return undefined;
  if (message === 'skip')
    return {
      code: 'NOTHING_TO_SKIP',
      message: 'no step is going on that can be skipped',
      place: {},
      remedy: 'only the trial of the tables through vtgate can be, past the point of no return',
    };
  if (cancelling && message !== 'cancel')
    return {
      code: 'BEING_CANCELLED',
      message: 'the migration is being cancelled',
      place: {},
      remedy: message === 'keepSource' ? 'the source keeps its tables' : '',
    };
  if (pastNoReturn && message !== 'complete' && message !== 'keepSource')
    return {
      code: 'PAST_NO_RETURN',
      message: 'the migration is past the point of no return',
      place: {},
      remedy: 'it is being completed',
    };
  return undefined;
}
