import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import type { CompleteAnswer } from '../../migration/lifecycle/messages.js';
import type { MigrateResult } from '../../migration/lifecycle/result.js';
import type { Status } from '../../migration/lifecycle/status.js';
import type { CutoverPrediction } from '../../migration/proof/cutover.js';
import { describeProblem, type Problem } from '../../migration/problem/errors.js';
import { cutoverLines, overriddenLines, proofLines, repairLines } from './proof.js';
import { count, grouped, nameListLine } from './format.js';
import { gapLines } from './status.js';

/** What Complete did, and what it left in place. */
export function completedLines(id: string, result: Extract<MigrateResult, { outcome: 'completed' }>): string[] {
  const { tables, left, source, fenced, sourceTables, warnings, proof, repair, overridden, cutover = null } = result;
  const { mount, keyspace } = parseSourceIdentifier(source);
  const ofSource = {
    keep: `${mount} keeps its tables.`,
    rename: `${mount}'s tables are renamed to _<table>_old.`,
    drop: `${mount}'s tables are dropped.`,
  }[sourceTables.done];
  return [
    `Completed ${id}: ${nameListLine(tables)}`,
    ...(left === undefined || left.count === 0 ? [] : [`Left the migration before: ${nameListLine(left)}`]),
    ...proofLines(proof),
    ...repairLines(repair),
    ...overriddenLines(overridden),
    `Every table has been tried through vtgate. The streams are gone; ${ofSource}`,
    ...cutoverLines(cutover),
    ...(fenced ? [fenceLine(mount, keyspace)] : []),
    ...warningLines(warnings),
  ];
}

function fenceLine(mount: string, keyspace: string): string {
  return (
    `The fence on ${mount} still stands, so that its applications cannot write to these tables. To take it down: ` +
    `vtctldclient SetShardTabletControl --remove --denied-tables=<tables> ${keyspace}/<shard> primary, ` +
    `then vtctldclient RefreshStateByShard ${keyspace}/<shard>, against ${mount}`
  );
}

/** The target serves the tables; those of the source wait for their time. */
export function servedLines(id: string, { waitingFor, cutover, warnings }: Status): string[] {
  return [
    `Completed ${id}: every table has been tried through vtgate.`,
    ...cutoverLines(cutover),
    `Waiting for: ${waitingFor.join('; ')}: vtmigrate Migrate -keep_data Complete ${id}`,
    ...warningLines(warnings),
  ];
}

function warningLines(warnings: readonly Problem[]): string[] {
  return warnings.map((warning) => `Warning: ${describeProblem(warning)}`);
}

/** A Complete that came too early. */
export function rememberedLines({ waitingFor, missing }: Pick<Status, 'waitingFor' | 'missing'>): string[] {
  const waiting = waitingFor.join('; ') || 'the proof that the copy is complete';
  return [`Complete is remembered. Waiting for: ${waiting}`, ...gapLines(missing)];
}

/** For how long writes would be refused, and how that is known. */
export function predictionLines(cutover: CutoverPrediction | null | undefined): string[] {
  if (cutover === null || cutover === undefined) return [];
  const { leastMs, mostMs, basis } = cutover;
  const { catchUp, definitions, logs, look, sourceTopology, targetTopology, step, openTransactions } = basis;
  return [
    `Cutover: writes would be refused for ${grouped(leastMs)} to ${grouped(mostMs)} ms. Measured just now, in ms: ` +
      `streams ${catchUp}, definitions ${definitions}, binary logs ${logs}, a look at them ${look}, ` +
      `etcd ${sourceTopology} (source) and ${targetTopology} (target), between two steps ${step}`,
    ...(openTransactions === 0
      ? []
      : [`  the fence would wait for ${count(openTransactions, 'long transaction')} of the source`]),
  ];
}

/** The answer of a dry run that is not ready. */
export function notReadyLines(id: string, { waitingFor, missing }: CompleteAnswer): string[] {
  return [
    `${id} is not ready${missing.length === 0 ? '' : '; it lacks:'}`,
    ...gapLines(missing),
    ...(waitingFor.length === 0 ? [] : [`It waits for: ${waitingFor.join('; ')}`]),
  ];
}
