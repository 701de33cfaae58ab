import { condition } from '@temporalio/workflow';
import type { CompleteRequest, OptionsRequest } from '../migration/input/input.js';
import { readiness } from '../migration/lifecycle/next-step.js';
import { phases } from '../migration/lifecycle/phases.js';
import { isClean } from '../migration/proof/vdiff.js';
import { dryRun } from './dry-run.js';
import { failureOf } from './failures.js';
import { askToLeave } from './leaving.js';
import type * as messages from './messages.js';
import { refuseLate, refuseWhileContinuing } from './refusals.js';
import type { Migration } from './state.js';

// What the updates do: each asks for something, and answers when it is settled.

export async function leave(
  migration: Migration,
  tables: string[],
  complete: CompleteRequest | null,
): Promise<messages.LeaveAnswer> {
  const { facts, intents } = migration;
  const intent = await askToLeave(migration, tables, complete);
  const waits = () => intents.leave.includes(intent);
  await until(migration, () => migration.ended || migration.pastNoReturn || !waits());
  const problem = migration.refusalOf(intent);
  if (problem !== undefined) throw failureOf(problem);
  if (waits()) refuseLate('leave', { ...migration.ending, cancelling: false });
  return { outcome: waits() ? 'ended' : 'left', left: facts.left, tables: facts.tables };
}

export async function updateOptions(migration: Migration, request: OptionsRequest): Promise<messages.OptionsAnswer> {
  const { intents, progress } = migration;
  migration.requestOptions(request);
  await until(migration, () => migration.ended || migration.pastNoReturn || intents.options === null);
  if (progress.refusal !== null) throw failureOf(progress.refusal);
  if (intents.options !== null) refuseLate('updateOptions', { ...migration.ending, cancelling: false });
  return { outcome: intents.options === null ? 'updated' : 'ended' };
}

export async function complete(migration: Migration, request: CompleteRequest): Promise<messages.CompleteAnswer> {
  if (request.dryRun) return dryRun(migration, request);
  const { leaveTables = [] } = request;
  if (leaveTables.length > 0) await leave(migration, leaveTables, request);
  else migration.requestComplete(request);
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

export async function cancel(migration: Migration): Promise<messages.CancelAnswer> {
  migration.requestCancel();
  await until(migration, () => migration.ended);
  const { phase } = migration;
  return { outcome: phase === 'cancelled' || phase === 'completed' ? phase : 'failed' };
}

export async function pause(migration: Migration): Promise<messages.PauseAnswer> {
  const { facts, intents } = migration;
  migration.requestPause();
  await until(migration, () => migration.ended || facts.streamsPaused || intents.streams.want !== 'pause');
  if (migration.ended) return { outcome: 'ended' };
  return { outcome: facts.streamsPaused && intents.streams.want === 'pause' ? 'paused' : 'resumed' };
}

export async function resume(migration: Migration): Promise<messages.PauseAnswer> {
  const { intents } = migration;
  migration.requestResume();
  await until(migration, () => migration.ended || intents.streams.want !== 'resume');
  if (migration.ended) return { outcome: 'ended' };
  return { outcome: intents.streams.want === 'pause' ? 'paused' : 'resumed' };
}

export async function vdiff(migration: Migration): Promise<messages.VDiffAnswer> {
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
