import type { LeaveRequest, OptionsRequest, RawCompleteRequest } from '../input/input.js';
import type { NameList } from '../plan/reference.js';
import type { CutoverPrediction } from '../proof/cutover.js';
import type { Gap } from '../proof/gaps.js';
import type { VDiffReport } from '../proof/vdiff.js';
import type { Status } from './status.js';

/** The answer of `complete`. */
export interface CompleteAnswer {
  /** `ready` and `not ready` answer a dry run. */
  outcome: 'completed' | 'remembered' | 'ready' | 'not ready' | 'cancelled' | 'failed';
  waitingFor: string[];
  missing: Gap[];
  /**
   * For how long writes would be refused; of a dry run that is ready, with a fence. An answer of an earlier version has
   * none.
   */
  cutover?: CutoverPrediction | null;
}

/** What a migration knows of its readiness by itself. The rest is known to the clusters. */
export interface KnownReadiness {
  /** Create is done: the clusters can be asked. */
  created: boolean;
  /** In words, what it waits for. */
  waitingFor: string[];
  missing: Gap[];
  vdiffIsOld: boolean;
  /** What the proof needs to know of how Complete would go; an answer of an earlier version has the first alone. */
  initializeTargetSequences: boolean;
  fenceSource?: boolean;
  insideFence?: string;
}

/** The answer of `cancel`. */
export interface CancelAnswer {
  outcome: 'cancelled' | 'completed' | 'failed';
}

/** The answer of `pause` and `resume`. */
export interface PauseAnswer {
  /** `ended`: the migration ended before it could be paused or resumed. */
  outcome: 'paused' | 'resumed' | 'ended';
}

/** The answer of `leave`. */
export interface LeaveAnswer {
  /** `ended`: the migration ended before the tables could leave. */
  outcome: 'left' | 'ended';
  /** Every table that has left the migration. */
  left: NameList;
  /** The tables that it still has. */
  tables: NameList;
}

/** The answer of `updateOptions`. */
export interface OptionsAnswer {
  /** `ended`: the migration ended before they could be changed. */
  outcome: 'updated' | 'ended';
}

/** The answer of `keepSource`. */
export interface KeepSourceAnswer {
  outcome: 'kept';
}

/** The answer of `retry` and `skip`. */
export interface RetryAnswer {
  outcome: 'asked';
}

/** The answer of `vdiff`. */
export interface VDiffAnswer {
  vdiff: VDiffReport | null;
  clean: boolean;
}

/** A message that a migration takes as a signal, without an answer, and as an update, with one. */
export interface Message<Payload, Answer> {
  readonly name: string;
  /** Never set: it carries the types. */
  readonly types?: (payload: Payload) => Answer;
}

/** A question that a migration answers without changing. */
export interface Question<Answer> {
  readonly name: string;
  /** Never set: it carries the type. */
  readonly types?: () => Answer;
}

const message = <Payload, Answer>(name: string): Message<Payload, Answer> => ({ name });

/**
 * The messages of the workflow type `migrate`: the public contract. All but `leave` and `updateOptions` are valid
 * without a payload.
 */
export const messages = {
  complete: message<RawCompleteRequest | undefined, CompleteAnswer>('complete'),
  cancel: message<undefined, CancelAnswer>('cancel'),
  vdiff: message<undefined, VDiffAnswer>('vdiff'),
  pause: message<undefined, PauseAnswer>('pause'),
  resume: message<undefined, PauseAnswer>('resume'),
  leave: message<LeaveRequest, LeaveAnswer>('leave'),
  updateOptions: message<OptionsRequest, OptionsAnswer>('updateOptions'),
  keepSource: message<undefined, KeepSourceAnswer>('keepSource'),
  retry: message<undefined, RetryAnswer>('retry'),
  skip: message<undefined, RetryAnswer>('skip'),
} as const;

/** The queries of the workflow type `migrate`. */
export const statusQuestion: Question<Status> = { name: 'status' };
/** With the payload of a Complete. */
export const readinessQuestion: Question<KnownReadiness> = { name: 'readiness' };

/** The failure type of an update that a continue-as-new has cut off: the next run takes it when it is sent again. */
export const CONTINUED_AS_NEW = 'CONTINUED_AS_NEW';
