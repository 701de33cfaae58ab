import { describeProblem, type Problem } from '../../migration/problem/errors.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { completeRequestSchema, parseWith } from '../../migration/input/input.js';
import type { MigrateResult } from '../../migration/lifecycle/result.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { vdiffGaps, type Gap } from '../../migration/proof/gaps.js';
import type { CompleteAnswer, KeepSourceAnswer } from '../../workflows/messages.js';
import { findOrAdopt } from './adopt.js';
import { readEnd, type End } from '../temporal/closed.js';
import { CommandError } from '../errors.js';
import { moment } from '../output/format.js';
import { readLive, type Live } from '../temporal/live.js';
import { Follower } from '../temporal/follow.js';
import { gapLine, nameListLine } from '../output/status.js';
import type { Migration, Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

/**
 * Asks for Complete and follows the migration to its end. Leaves earlier only when a person has to
 * decide something first.
 * @throws CommandError
 */
export async function complete(
  request: { id: string; payload: Record<string, unknown> },
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const { id, payload } = request;
  const { force, dryRun, sourceTables } = parseWith(completeRequestSchema, payload, 'Complete');
  const { migration, description } = await findOrAdopt(id, { adopt: 'complete', ...payload }, session, terminal);
  if (description.status.name !== 'RUNNING')
    return alreadyEnded(id, await readEnd(session, migration, description), terminal);
  if (sourceTables === 'keep' && (await readLive(session, migration)).status.phase === 'retiring')
    return keepSource(id, session, migration, description.taskQueue, terminal);
  const update = await session.request<CompleteAnswer>(migration, 'complete', payload, description.taskQueue);
  if (!dryRun) terminal.farewell = 'the request is remembered; the migration goes on without this command';
  const follower = new Follower(session, migration, terminal);
  const answer = await follower.during(session.answer(update, description.taskQueue));
  if (dryRun) return report(id, answer, terminal);
  if (answer.outcome === 'remembered') explain(answer, terminal);
  return settle(
    id,
    force,
    await follower.until((live) => live.end !== null || isServed(live.status) || needsPerson(live.status, force)),
    terminal,
  );
}

/** Calls off what was to become of the source's tables. */
async function keepSource(
  id: string,
  session: Session,
  migration: Migration,
  taskQueue: string,
  terminal: Terminal,
): Promise<number> {
  await session.answer(await session.request<KeepSourceAnswer>(migration, 'keepSource', {}, taskQueue), taskQueue);
  const { end } = await new Follower(session, migration, terminal).until((live) => live.end !== null);
  terminal.print(
    ...(end?.result?.outcome === 'completed' ? completedLines(id, end.result) : [`${id}: the source keeps its tables`]),
  );
  return 0;
}

/** The target serves, and what becomes of the source's tables has its own time. */
function isServed(status: Status): boolean {
  return status.phase === 'retiring' && status.retireAt !== null && Date.parse(status.retireAt) > Date.now();
}

/** True when nothing goes on until somebody says resume, or decides about a VDiff that is not clean. */
export function needsPerson(status: Status, force: boolean): boolean {
  if (status.phase === 'paused') return true;
  return (
    status.phase === 'replicating' &&
    status.vdiff !== null &&
    vdiffGaps(status.vdiff, force).length > 0 &&
    !status.requested.includes('vdiff')
  );
}

/** The three ways on from a VDiff that is not clean. */
export function waysOn(id: string): string[] {
  const ways = [
    [
      `VDiff ${id}`,
      'compare once more, when the rows have been mended; a Complete that was asked for happens by itself when it is clean',
    ],
    [`Migrate -force Complete ${id}`, 'take the target as it is'],
    [`Migrate Cancel ${id}`, 'put the target back as it was'],
  ];
  const width = `Migrate -force Complete ${id}`.length;
  return [
    'There are three ways on:',
    ...ways.map(([line = '', about = '']) => `  vtmigrate ${line.padEnd(width)}   ${about}`),
  ];
}

function explain(answer: CompleteAnswer, terminal: Terminal): void {
  terminal.note(
    `Complete is remembered. Waiting for: ${answer.waitingFor.join('; ') || 'the proof that the copy is whole'}`,
  );
  for (const line of gaps(answer.missing)) terminal.note(line);
}

function settle(id: string, force: boolean, live: Live, terminal: Terminal): number {
  const { status, end } = live;
  if (end === null && isServed(status)) {
    terminal.print(
      `Completed ${id}: every table has been read through vtgate.`,
      `Waiting for: ${status.waitingFor.join('; ')}: vtmigrate Migrate -keep_data Complete ${id}`,
      ...warningLines(status.warnings),
    );
    return 0;
  }
  if (end === null && status.phase === 'paused') {
    terminal.note(
      `${id} is paused, and Complete is remembered. Waiting for: ${status.waitingFor.join('; ')} (vtmigrate Workflow Start ${id})`,
    );
    return 1;
  }
  if (end === null) {
    terminal.note(`${id} is not completed:`);
    for (const line of [...gaps(vdiffGaps(status.vdiff, force)), ...waysOn(id)]) terminal.note(line);
    return 1;
  }
  if (end.result?.outcome === 'completed') {
    terminal.print(...completedLines(id, end.result));
    return 0;
  }
  throw new CommandError(
    end.failure === null ? `${id} is ${status.phase}, not completed` : `${id} ended as ${end.how}: ${end.failure}`,
  );
}

type Completed = Extract<MigrateResult, { outcome: 'completed' }>;

/** What Complete did, and what it left as it is. Results of earlier versions say nothing of the source. */
function completedLines(
  id: string,
  { tables, source, fenced, sourceTables, warnings }: Partial<Completed> & Pick<Completed, 'tables' | 'source'>,
): string[] {
  const { mount, keyspace } = parseSourceIdentifier(source);
  const done = sourceTables?.done ?? 'keep';
  const ofSource = {
    keep: `${mount} keeps its tables.`,
    rename: `${mount}'s tables are renamed to _<table>_old.`,
    drop: `${mount}'s tables are dropped.`,
  }[done];
  return [
    `Completed ${id}: ${nameListLine(tables)}`,
    `Every table has been read through vtgate. The streams are gone; ${ofSource}`,
    ...(fenced === true
      ? [
          `The fence on ${mount} still stands, so that nobody writes there any more. To take it down: vtctldclient SetShardTabletControl --remove --denied-tables=<tables> ${keyspace}/<shard> primary, then vtctldclient RefreshStateByShard ${keyspace}/<shard>, against ${mount}`,
        ]
      : []),
    ...warningLines(warnings ?? []),
  ];
}

function warningLines(warnings: readonly Problem[]): string[] {
  return warnings.map((warning) => `Mind: ${describeProblem(warning)}`);
}

function alreadyEnded(id: string, end: End, terminal: Terminal): number {
  if (end.result?.outcome === 'completed') {
    terminal.print(`${id} was completed already, at ${moment(end.at)}`);
    return 0;
  }
  const how = end.result?.outcome === 'planned' ? 'was a dry run' : `has ended (${end.result?.outcome ?? end.how})`;
  throw new CommandError(`${id} ${how} at ${moment(end.at)}: there is nothing to complete`);
}

function report(id: string, answer: CompleteAnswer, terminal: Terminal): number {
  if (answer.outcome === 'ready') {
    terminal.print(`${id} is ready: Complete would go through now`);
    return 0;
  }
  const waiting = answer.waitingFor.length === 0 ? [] : [`It waits for: ${answer.waitingFor.join('; ')}`];
  terminal.print(
    `${id} is not ready${answer.missing.length === 0 ? '' : '; it lacks:'}`,
    ...gaps(answer.missing),
    ...waiting,
  );
  return 1;
}

function gaps(missing: readonly Gap[]): string[] {
  return missing.map((gap) => `  - ${gapLine(gap)}`);
}
