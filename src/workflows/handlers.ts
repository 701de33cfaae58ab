import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { MigrationError, type ErrorCode } from '../migration/problem/errors.js';
import { completeRequestSchema, parseWith, type CompleteRequest } from '../migration/input/input.js';
import type { MigrationRef } from '../migration/lifecycle/reference.js';
import { isClean } from '../migration/proof/vdiff.js';
import type { Gap } from '../migration/proof/gaps.js';
import { locked } from './activities.js';
import { toWorkflowFailure } from './failures.js';
import * as messages from './messages.js';
import type { MigrationState } from './state.js';

/** Binds the messages to the state. Handlers record what is wanted; the main loop does it. */
export function listen(state: MigrationState): void {
  setHandler(messages.statusQuery, () => state.status(), { description: 'Where the migration is, as plain JSON' });

  setHandler(messages.completeSignal, (payload) => completeBySignal(state, payload), {
    description:
      'Complete the migration as soon as it is proven safe; {"force": true} accepts a VDiff that is not clean',
  });
  setHandler(messages.cancelSignal, () => void (state.cancelRequested ||= !state.pastNoReturn), {
    description: 'Cancel: put the target back as it was',
  });
  setHandler(messages.vdiffSignal, () => state.requestVDiff(), { description: 'Run VDiff once more' });

  setHandler(messages.pauseSignal, () => ifPossible(state, () => state.requestPause()), {
    description: 'Stop the streams until resume',
  });
  setHandler(messages.resumeSignal, () => ifPossible(state, () => state.requestResume()), {
    description: 'Start the streams again',
  });
  setHandler(messages.keepSourceSignal, () => void (state.keepSource = true), {
    description: "Keep the source's tables, whatever was asked for before",
  });

  setHandler(messages.completeUpdate, (payload?: unknown) => protect(() => complete(state, parseComplete(payload))), {
    validator: (payload?: unknown) => {
      refuseIf(state.cancelRequested, 'BEING_CANCELLED', 'the migration is being cancelled');
      parseComplete(payload);
    },
    description: 'Like the signal; answers whether it is done, or what it waits for. {"dryRun": true} only asks',
  });
  setHandler(messages.cancelUpdate, () => protect(() => cancel(state)), {
    validator: () =>
      refuseIf(
        state.pastNoReturn,
        'PAST_NO_RETURN',
        'the migration is past the point of no return: it is being completed',
      ),
    description: 'Like the signal; answers when everything has been put back',
  });
  const whileThereIsAWayBack = () => {
    refuseIf(state.cancelRequested, 'BEING_CANCELLED', 'the migration is being cancelled');
    refuseIf(
      state.pastNoReturn,
      'PAST_NO_RETURN',
      'the migration is past the point of no return: it is being completed',
    );
  };
  setHandler(messages.pauseUpdate, () => protect(() => pause(state)), {
    validator: whileThereIsAWayBack,
    description: 'Like the signal; answers when the streams are stopped',
  });
  setHandler(messages.resumeUpdate, () => protect(() => resume(state)), {
    validator: whileThereIsAWayBack,
    description: 'Like the signal; answers when the streams are started',
  });
  setHandler(messages.keepSourceUpdate, () => keepSource(state), {
    validator: () =>
      refuseIf(
        state.cancelRequested,
        'BEING_CANCELLED',
        'the migration is being cancelled: the source keeps its tables',
      ),
    description: "Like the signal; answers that the source's tables stay",
  });
  setHandler(messages.vdiffUpdate, () => protect(() => vdiff(state)), {
    validator: whileThereIsAWayBack,
    description: 'Run VDiff once more, after the copy has finished; answers with what it found',
  });
}

/** A signal that cannot be carried out any more is not remembered. */
function ifPossible(state: MigrationState, request: () => void): void {
  if (!state.cancelRequested && !state.pastNoReturn) request();
}

/** A signal cannot be refused: a payload that makes no sense is shown as the last error and not acted on. */
function completeBySignal(state: MigrationState, payload: unknown): void {
  if (state.cancelRequested) return;
  try {
    const request = parseWith(completeRequestSchema, payload ?? {}, 'the payload of complete');
    if (!request.dryRun) state.requestComplete(request);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    state.lastError = error.toProblem();
  }
}

async function complete(state: MigrationState, request: CompleteRequest): Promise<messages.CompleteAnswer> {
  if (request.dryRun) return dryRun(state, request);
  state.requestComplete(request);
  const mine = state.completeRequests;
  await condition(
    () =>
      state.ended ||
      state.phase === 'retiring' ||
      waitsForOthers(state) ||
      (state.completeTried >= mine && state.phase === 'replicating'),
  );
  if (state.phase === 'completed' || state.phase === 'retiring')
    return { outcome: 'completed', waitingFor: [], missing: [] };
  if (state.ended)
    return { outcome: state.phase === 'cancelled' ? 'cancelled' : 'failed', waitingFor: [], missing: [] };
  return { outcome: 'remembered', waitingFor: state.waitingFor(), missing: [...state.missing] };
}

async function dryRun(state: MigrationState, request: CompleteRequest): Promise<messages.CompleteAnswer> {
  const early = !state.created;
  const streams = early ? [] : await prove(state.ref);
  const missing = [...streams, ...state.vdiffMissing(request.force)];
  const ready = !early && missing.length === 0;
  const again =
    !request.force && missing.length === 0 && state.vdiffIsOld()
      ? ['VDiff once more, which Complete runs by itself: the last one is too old']
      : [];
  return {
    outcome: ready ? 'ready' : 'not ready',
    waitingFor: early ? ['Create to finish'] : [...again, ...state.waitingFor()],
    missing,
  };
}

/** An update that fails says why, not only that an activity has. */
async function prove(ref: MigrationRef): Promise<Gap[]> {
  try {
    return await locked.prove(ref);
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

/** Phases that end without anybody's doing: a request made in them is remembered. */
function waitsForOthers(state: MigrationState): boolean {
  return ['mounting', 'checking', 'creating', 'copying', 'verifying', 'paused'].includes(state.phase);
}

async function cancel(state: MigrationState): Promise<messages.CancelAnswer> {
  state.cancelRequested = true;
  await condition(() => state.ended);
  return { outcome: state.phase === 'cancelled' ? 'cancelled' : state.phase === 'completed' ? 'completed' : 'failed' };
}

async function pause(state: MigrationState): Promise<messages.PauseAnswer> {
  state.requestPause();
  await condition(() => state.ended || state.phase === 'paused' || !state.pauseRequested);
  return { outcome: state.ended ? 'ended' : state.phase === 'paused' && state.pauseRequested ? 'paused' : 'resumed' };
}

async function resume(state: MigrationState): Promise<messages.PauseAnswer> {
  state.requestResume();
  await condition(() => state.ended || !state.resumeWanted);
  return { outcome: state.ended ? 'ended' : state.pauseRequested ? 'paused' : 'resumed' };
}

function keepSource(state: MigrationState): messages.KeepSourceAnswer {
  state.keepSource = true;
  return { outcome: 'kept' };
}

async function vdiff(state: MigrationState): Promise<messages.VDiffAnswer> {
  // One that is running now counts; one that has ended does not.
  const before = state.vdiffsFinished;
  state.requestVDiff();
  await condition(() => state.ended || state.vdiffsFinished > before);
  return { vdiff: state.vdiff, clean: state.vdiff !== null && isClean(state.vdiff) };
}

function parseComplete(payload: unknown): CompleteRequest {
  try {
    return parseWith(completeRequestSchema, payload ?? {}, 'the payload of complete');
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

function refuseIf(condition: boolean, code: ErrorCode, reason: string): void {
  if (condition) throw ApplicationFailure.create({ message: reason, type: code, nonRetryable: true });
}

/** Temporal's cancellation request is a message like the others: it must not cut off an answer. */
function protect<T>(work: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(work);
}
