import { CancellationScope, setHandler } from '@temporalio/workflow';
import {
  completeRequestSchema,
  leaveRequestSchema,
  optionsRequestSchema,
  parseWith,
  type CompleteRequest,
  type LeaveRequest,
  type OptionsRequest,
} from '../migration/input/input.js';
import type { messages as contract } from '../migration/lifecycle/messages.js';
import { MigrationError } from '../migration/problem/errors.js';
import * as answers from './answers.js';
import { known } from './dry-run.js';
import { toWorkflowFailure } from './failures.js';
import { askToLeave } from './leaving.js';
import * as messages from './messages.js';
import { refuseLate, refuseQuestion, refuseWhileContinuing } from './refusals.js';
import type { Migration } from './state.js';

/** Binds the messages to the migration. Handlers record what is wanted; the main loop does it. */
export function listen(migration: Migration): void {
  setHandler(messages.statusQuery, () => migration.status(), {
    description: 'Where the migration is, as plain JSON',
  });
  setHandler(
    messages.readinessQuery,
    (payload?: unknown) => orFailure(() => known(migration, parseComplete(payload), migration.comparesRows)),
    {
      description: 'What is known of the readiness for such a Complete; the workflow readiness asks the clusters, too',
    },
  );
  onComplete(migration);
  onCancel(migration);
  onVDiff(migration);
  onPauseAndResume(migration);
  onLeave(migration);
  onOptions(migration);
  onKeepSource(migration);
  onRetryAndSkip(migration);
}

function onComplete(migration: Migration): void {
  setHandler(messages.completeSignal, (payload) => completeBySignal(migration, payload), {
    description:
      'Complete the migration as soon as it is proven safe; {"acceptRows": […]} accepts the rows of some tables as ' +
      'they are, {"force": true} those of all, {"leaveTables": […]} lets tables leave first',
  });
  setHandler(
    messages.completeUpdate,
    (payload?: unknown) => answer(() => answers.complete(migration, parseComplete(payload))),
    {
      validator: (payload?: unknown) => {
        refuseWhileContinuing(migration);
        refuseLate('complete', migration.ending);
        if (orFailure(() => parseComplete(payload)).dryRun) refuseQuestion();
      },
      description: 'Like the signal; answers whether it is done, or what it waits for. {"dryRun": true} only asks',
    },
  );
}

function onCancel(migration: Migration): void {
  setHandler(messages.cancelSignal, () => migration.requestCancel(), {
    description: 'Cancel: put the target back as it was',
  });
  setHandler(messages.cancelUpdate, () => answer(() => answers.cancel(migration)), {
    validator: () => {
      refuseWhileContinuing(migration);
      refuseLate('cancel', migration.ending);
    },
    description: 'Like the signal; answers when everything has been put back',
  });
}

function onVDiff(migration: Migration): void {
  setHandler(messages.vdiffSignal, () => migration.requestVDiff(), { description: 'Run VDiff once more' });
  setHandler(messages.vdiffUpdate, () => answer(() => answers.vdiff(migration)), {
    validator: () => refuse(migration, 'vdiff'),
    description: 'Run VDiff once more, after the copy has finished; answers with what it found',
  });
}

function onPauseAndResume(migration: Migration): void {
  // A signal that cannot be carried out any more is not remembered.
  const ifPossible = (request: () => void) => {
    if (!migration.intents.cancel && !migration.pastNoReturn) request();
  };
  setHandler(messages.pauseSignal, () => ifPossible(() => migration.requestPause()), {
    description: 'Stop the streams until resume',
  });
  setHandler(messages.pauseUpdate, () => answer(() => answers.pause(migration)), {
    validator: () => refuse(migration, 'pause'),
    description: 'Like the signal; answers when the streams are stopped',
  });
  setHandler(messages.resumeSignal, () => ifPossible(() => migration.requestResume()), {
    description: 'Start the streams again',
  });
  setHandler(messages.resumeUpdate, () => answer(() => answers.resume(migration)), {
    validator: () => refuse(migration, 'resume'),
    description: 'Like the signal; answers when the streams are started',
  });
}

function onLeave(migration: Migration): void {
  const bySignal = (payload: unknown) => {
    const request = parsedOrShown(migration, () => parseLeave(payload));
    return request === undefined ? undefined : leaveBySignal(migration, request.tables, null);
  };
  setHandler(messages.leaveSignal, bySignal, {
    description: 'Let tables leave the migration: {"tables": […]}. Their copies on the target are removed',
  });
  const byUpdate = (payload?: unknown) => answers.leave(migration, parseLeave(payload).tables, null);
  setHandler(messages.leaveUpdate, (payload?: unknown) => answer(() => byUpdate(payload)), {
    validator: (payload?: unknown) => {
      refuse(migration, 'leave');
      orFailure(() => parseLeave(payload));
    },
    description: 'Like the signal; answers when they have left',
  });
}

function onOptions(migration: Migration): void {
  const bySignal = (payload: unknown) => {
    if (migration.intents.cancel || migration.pastNoReturn || migration.ended) return;
    const request = parsedOrShown(migration, () => parseOptions(payload));
    if (request !== undefined) migration.requestOptions(request);
  };
  setHandler(messages.optionsSignal, bySignal, {
    description:
      'Change options of the running migration: {"tabletTypes": […], "cells": […], "vdiffTabletTypes": […], …}',
  });
  setHandler(
    messages.optionsUpdate,
    (payload?: unknown) => answer(() => answers.updateOptions(migration, parseOptions(payload))),
    {
      validator: (payload?: unknown) => {
        refuse(migration, 'updateOptions');
        orFailure(() => parseOptions(payload));
      },
      description: 'Like the signal; answers when they hold',
    },
  );
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
    validator: () => refuseLate('keepSource', migration.ending),
    description: "Like the signal; answers that the source's tables stay",
  });
}

function onRetryAndSkip(migration: Migration): void {
  const asked = (request: () => void) => (): messages.RetryAnswer => {
    request();
    return { outcome: 'asked' };
  };
  const retry = asked(() => migration.requestRetry());
  const skip = asked(() => migration.requestSkip());
  setHandler(messages.retrySignal, () => void retry(), { description: 'Try what keeps failing again at once' });
  setHandler(messages.retryUpdate, retry, { description: 'Like the signal' });
  setHandler(messages.skipSignal, () => void skip(), {
    description: 'Past the point of no return: complete without trying the tables through vtgate',
  });
  setHandler(messages.skipUpdate, skip, {
    validator: () => refuseLate('skip', migration.ending),
    description: 'Like the signal; refused while nothing can be skipped',
  });
}

function refuse(migration: Migration, message: keyof typeof contract): void {
  refuseWhileContinuing(migration);
  refuseLate(message, migration.ending);
}

/** A signal cannot be refused: a payload that makes no sense is shown as the last error and not acted on. */
function completeBySignal(migration: Migration, payload: unknown): void | Promise<void> {
  if (migration.intents.cancel) return;
  const request = parsedOrShown(migration, () => parseComplete(payload));
  if (request === undefined || request.dryRun) return;
  const { leaveTables = [] } = request;
  if (leaveTables.length > 0) return leaveBySignal(migration, leaveTables, request);
  migration.requestComplete(request);
}

function parsedOrShown<T>(migration: Migration, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    migration.progress.lastError = error.toProblem();
    return undefined;
  }
}

/** One that is refused is shown as the last error; one that comes too late is not remembered. */
async function leaveBySignal(migration: Migration, tables: string[], complete: CompleteRequest | null): Promise<void> {
  if (migration.intents.cancel || migration.pastNoReturn || migration.ended) return;
  const intent = await answer(() => askToLeave(migration, tables, complete));
  migration.progress.lastError = migration.refusalOf(intent) ?? migration.progress.lastError;
}

function parseComplete(payload: unknown): CompleteRequest {
  return parseWith(completeRequestSchema, payload ?? {}, 'the payload of complete');
}

function parseLeave(payload: unknown): LeaveRequest {
  return parseWith(leaveRequestSchema, payload ?? {}, 'the payload of leave');
}

function parseOptions(payload: unknown): OptionsRequest {
  return parseWith(optionsRequestSchema, payload ?? {}, 'the payload of updateOptions');
}

function orFailure<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

/** Temporal's cancellation request is a message like the others: it must not cut off an answer. */
function answer<T>(work: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(work);
}
