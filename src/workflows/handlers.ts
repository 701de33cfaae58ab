import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { completeRequestSchema, parseWith, type CompleteRequest } from '../migration/input/input.js';
import { readiness } from '../migration/lifecycle/next-step.js';
import { phases } from '../migration/lifecycle/phases.js';
import { completeOptions } from '../migration/lifecycle/state.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Gap } from '../migration/proof/gaps.js';
import { isClean } from '../migration/proof/vdiff.js';
import { locked } from './activities.js';
import { toWorkflowFailure } from './failures.js';
import * as messages from './messages.js';
import { refuseAfterNoReturn, refuseWhileCancelling, refuseWhileContinuing } from './refusals.js';
import type { Migration } from './state.js';

/** Binds the messages to the migration. Handlers record what is wanted; the main loop does it. */
export function listen(migration: Migration): void {
  setHandler(messages.statusQuery, () => migration.status(), {
    description: 'Where the migration is, as plain JSON',
  });
  onComplete(migration);
  onCancel(migration);
  onVDiff(migration);
  onPauseAndResume(migration);
  onKeepSource(migration);
}

function onComplete(migration: Migration): void {
  setHandler(messages.completeSignal, (payload) => completeBySignal(migration, payload), {
    description:
      'Complete the migration as soon as it is proven safe; {"force": true} accepts a VDiff that is not clean',
  });
  setHandler(messages.completeUpdate, (payload?: unknown) => answer(() => complete(migration, parse(payload))), {
    validator: (payload?: unknown) => {
      refuseWhileContinuing(migration);
      refuseWhileCancelling(migration);
      parse(payload);
    },
    description: 'Like the signal; answers whether it is done, or what it waits for. {"dryRun": true} only asks',
  });
}

function onCancel(migration: Migration): void {
  setHandler(messages.cancelSignal, () => migration.requestCancel(), {
    description: 'Cancel: put the target back as it was',
  });
  setHandler(messages.cancelUpdate, () => answer(() => cancel(migration)), {
    validator: () => {
      refuseWhileContinuing(migration);
      refuseAfterNoReturn(migration);
    },
    description: 'Like the signal; answers when everything has been put back',
  });
}

function onVDiff(migration: Migration): void {
  setHandler(messages.vdiffSignal, () => migration.requestVDiff(), { description: 'Run VDiff once more' });
  setHandler(messages.vdiffUpdate, () => answer(() => vdiff(migration)), {
    validator: () => refuseWithoutWayBack(migration),
    description: 'Run VDiff once more, after the copy has finished; answers with what it found',
  });
}

function onPauseAndResume(migration: Migration): void {
  // A signal that cannot be carried out any more is not remembered.
  const ifPossible = (request: () => void) => {
    if (!migration.intents.cancel && !migration.pastNoReturn) request();
  };
  const validator = () => refuseWithoutWayBack(migration);
  setHandler(messages.pauseSignal, () => ifPossible(() => migration.requestPause()), {
    description: 'Stop the streams until resume',
  });
  setHandler(messages.pauseUpdate, () => answer(() => pause(migration)), {
    validator,
    description: 'Like the signal; answers when the streams are stopped',
  });
  setHandler(messages.resumeSignal, () => ifPossible(() => migration.requestResume()), {
    description: 'Start the streams again',
  });
  setHandler(messages.resumeUpdate, () => answer(() => resume(migration)), {
    validator,
    description: 'Like the signal; answers when the streams are started',
  });
}

function onKeepSource(migration: Migration): void {
  const keepSource = (): messages.KeepSourceAnswer => {
    migration.intents.keepSource = true;
    return { outcome: 'kept' };
  };
  setHandler(messages.keepSourceSignal, () => void keepSource(), {
    description: "Keep the source's tables, whatever was asked for before",
  });
  setHandler(messages.keepSourceUpdate, keepSource, {
    validator: () => refuseWhileCancelling(migration, ': the source keeps its tables'),
    description: "Like the signal; answers that the source's tables stay",
  });
}

function refuseWithoutWayBack(migration: Migration): void {
  refuseWhileContinuing(migration);
  refuseWhileCancelling(migration);
  refuseAfterNoReturn(migration);
}

/** A signal cannot be refused: a payload that makes no sense is shown as the last error and not acted on. */
function completeBySignal(migration: Migration, payload: unknown): void {
  if (migration.intents.cancel) return;
  try {
    const request = parseWith(completeRequestSchema, payload ?? {}, 'the payload of complete');
    if (!request.dryRun) migration.requestComplete(request);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    migration.progress.lastError = error.toProblem();
  }
}

async function complete(migration: Migration, request: CompleteRequest): Promise<messages.CompleteAnswer> {
  if (request.dryRun) return dryRun(migration, request);
  migration.requestComplete(request);
  await until(
    migration,
    () =>
      migration.ended ||
      migration.phase === 'retiring' ||
      phases[migration.phase].remembersComplete ||
      (migration.phase === 'replicating' && migration.intents.complete?.state === 'tried'),
  );
  const { phase, facts } = migration;
  if (phase === 'completed' || phase === 'retiring') return { outcome: 'completed', waitingFor: [], missing: [] };
  if (migration.ended) return { outcome: phase === 'cancelled' ? 'cancelled' : 'failed', waitingFor: [], missing: [] };
  return { outcome: 'remembered', waitingFor: readiness(migration).waitingFor, missing: [...facts.missing] };
}

async function dryRun(migration: Migration, request: CompleteRequest): Promise<messages.CompleteAnswer> {
  const { force } = request;
  const early = migration.progress.reached !== 'created' && !migration.pastNoReturn;
  const streams = early ? [] : await prove(migration, request);
  const { gaps, waitingFor } = readiness(migration, force);
  const missing = [...streams, ...gaps];
  const again =
    !force && missing.length === 0 && migration.vdiffIsOld
      ? ['VDiff once more, which Complete runs by itself: the last one is too old']
      : [];
  return {
    outcome: !early && missing.length === 0 ? 'ready' : 'not ready',
    waitingFor: early ? ['Create to finish'] : [...again, ...waitingFor],
    missing,
  };
}

/** An update that fails must give the reason, not only that an activity has failed. */
async function prove(migration: Migration, request: CompleteRequest): Promise<Gap[]> {
  const { initializeTargetSequences } = completeOptions(migration, request);
  try {
    return await locked.prove(migration.ref, { initializeTargetSequences });
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

async function cancel(migration: Migration): Promise<messages.CancelAnswer> {
  migration.requestCancel();
  await until(migration, () => migration.ended);
  const { phase } = migration;
  return { outcome: phase === 'cancelled' || phase === 'completed' ? phase : 'failed' };
}

async function pause(migration: Migration): Promise<messages.PauseAnswer> {
  const { facts, intents } = migration;
  migration.requestPause();
  await until(migration, () => migration.ended || facts.streamsPaused || intents.streams.want !== 'pause');
  if (migration.ended) return { outcome: 'ended' };
  return { outcome: facts.streamsPaused && intents.streams.want === 'pause' ? 'paused' : 'resumed' };
}

async function resume(migration: Migration): Promise<messages.PauseAnswer> {
  const { intents } = migration;
  migration.requestResume();
  await until(migration, () => migration.ended || intents.streams.want !== 'resume');
  if (migration.ended) return { outcome: 'ended' };
  return { outcome: intents.streams.want === 'pause' ? 'paused' : 'resumed' };
}

async function vdiff(migration: Migration): Promise<messages.VDiffAnswer> {
  const { facts, progress } = migration;
  // A VDiff that is running counts; one that has finished does not.
  const before = progress.vdiffsFinished;
  migration.requestVDiff();
  await until(migration, () => migration.ended || progress.vdiffsFinished > before);
  return { vdiff: facts.vdiff, clean: facts.vdiff !== null && isClean(facts.vdiff) };
}

/** Waits, unless the workflow continues as new first: an update cannot wait past that. */
async function until(migration: Migration, settled: () => boolean): Promise<void> {
  await condition(() => settled() || migration.continuing);
  if (!settled()) refuseWhileContinuing(migration);
}

function parse(payload: unknown): CompleteRequest {
  try {
    return parseWith(completeRequestSchema, payload ?? {}, 'the payload of complete');
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

/** Temporal's cancellation request is a message like the others: it must not cut off an answer. */
function answer<T>(work: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(work);
}
