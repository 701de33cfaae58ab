import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Gap } from '../migration/proof/gaps.js';
import type { Status } from '../migration/lifecycle/status.js';
import type { VDiffReport } from '../migration/proof/vdiff.js';

/** The failure type of an update that a continue-as-new has cut off: the next run takes it when it is sent again. */
export const CONTINUED_AS_NEW = 'CONTINUED_AS_NEW';

/** The answer of `complete`. */
export interface CompleteAnswer {
  /** `ready` and `not ready` answer a dry run. */
  outcome: 'completed' | 'remembered' | 'ready' | 'not ready' | 'cancelled' | 'failed';
  waitingFor: string[];
  missing: Gap[];
}
export interface CancelAnswer {
  outcome: 'cancelled' | 'completed' | 'failed';
}
export interface PauseAnswer {
  /** `ended`: the migration ended before it could be paused, or resumed. */
  outcome: 'paused' | 'resumed' | 'ended';
}
export interface KeepSourceAnswer {
  outcome: 'kept';
}
export interface VDiffAnswer {
  vdiff: VDiffReport | null;
  clean: boolean;
}

/** The payload is optional: a runbook's signal without one is valid. */
export const completeSignal = defineSignal<[unknown?]>('complete');
export const cancelSignal = defineSignal('cancel');
export const vdiffSignal = defineSignal('vdiff');

export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const keepSourceSignal = defineSignal('keepSource');

export const completeUpdate = defineUpdate<CompleteAnswer, [unknown?]>('complete');
export const cancelUpdate = defineUpdate<CancelAnswer>('cancel');
export const vdiffUpdate = defineUpdate<VDiffAnswer>('vdiff');

export const pauseUpdate = defineUpdate<PauseAnswer>('pause');
export const resumeUpdate = defineUpdate<PauseAnswer>('resume');
export const keepSourceUpdate = defineUpdate<KeepSourceAnswer>('keepSource');

export const statusQuery = defineQuery<Status>('status');
