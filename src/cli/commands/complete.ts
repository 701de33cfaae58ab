import type { CompleteRequest } from '../../migration/input/input.js';
import type { ClosedRun, Live } from '../../migration/lifecycle/live.js';
import { messages, type CompleteAnswer } from '../../migration/lifecycle/messages.js';
import { phases } from '../../migration/lifecycle/phases.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { describeProblem } from '../../migration/problem/errors.js';
import { CommandError } from '../errors.js';
import { completedLines, notReadyLines, predictionLines, rememberedLines, servedLines } from '../output/complete.js';
import { moment } from '../output/format.js';
import { progressOn } from '../output/progress.js';
import { gapLines } from '../output/status.js';
import { takeoverLines } from '../output/takeover.js';
import type { Terminal } from '../output/terminal.js';
import { waysOn } from '../output/vdiff.js';
import { readClosedRun } from '../temporal/closed.js';
import { Follower } from '../temporal/follower.js';
import { readLive } from '../temporal/live.js';
import type { Migration, Session } from '../temporal/session.js';
import { request } from '../temporal/request.js';
import { runReadinessWorkflow } from '../temporal/one-off.js';
import { findOrAdopt } from '../temporal/takeover.js';

/**
 * Requests Complete and follows the migration to its end. Leaves earlier only when a person has to
 * decide something first.
 * @throws CommandError
 */
export async function complete(
  { id, payload }: { id: string; payload: CompleteRequest },
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const { dryRun, sourceTables } = payload;
  const options = { adopt: 'complete', ...payload } as const;
  const { migration, description } = await findOrAdopt(id, options, session, (leftover) =>
    terminal.note(...takeoverLines(leftover)),
  );
  if (description.status.name !== 'RUNNING')
    return alreadyEnded(id, await readClosedRun(session, description), terminal);
  if (sourceTables === 'keep' && (await readLive(session, migration)).status.phase === 'retiring')
    return keepSource(migration, session, terminal);
  if (dryRun) return report(id, await runReadinessWorkflow(session, { ...payload, dryRun, target: id }), terminal);
  await request(session, migration, messages.complete, payload);
  terminal.farewell = 'the request is remembered; the migration continues without this command';
  const follower = new Follower(session, migration, progressOn(terminal));
  const first = await follower.until(
    ({ status, closed }) => closed !== null || status.served || isRefused(status) || isRemembered(status),
  );
  if (first.closed === null && isRemembered(first.status)) terminal.note(...rememberedLines(first.status));
  return settle(
    id,
    await follower.until(
      ({ status, closed }) => closed !== null || status.served || status.needsPerson !== null || isRefused(status),
    ),
    terminal,
  );
}

/** Complete has not been taken, or not its tables that were to leave first. */
function isRefused({ requested, phase }: Status): boolean {
  return !phases[phase].final && !requested.includes('complete') && !requested.includes('leave');
}

/** It is known what Complete waits for. */
function isRemembered(status: Status): boolean {
  if (status.served || !status.requested.includes('complete')) return false;
  return phases[status.phase].remembersComplete || status.waitingFor.length > 0;
}

/** Cancels the renaming or dropping of the source's tables. */
async function keepSource(migration: Migration, session: Session, terminal: Terminal): Promise<number> {
  const { id } = migration;
  await request(session, migration, messages.keepSource, undefined);
  const follower = new Follower(session, migration, progressOn(terminal));
  const { closed } = await follower.until((live) => live.closed !== null);
  terminal.print(
    ...(closed?.result?.outcome === 'completed'
      ? completedLines(id, closed.result)
      : [`${id}: the source keeps its tables`]),
  );
  return 0;
}

function settle(id: string, { status, closed }: Live, terminal: Terminal): number {
  if (closed?.result?.outcome === 'completed') {
    terminal.print(...completedLines(id, closed.result));
    return 0;
  }
  if (closed !== null)
    throw new CommandError(
      closed.failure === null
        ? `${id} is ${status.phase}, not completed`
        : `${id} ended as ${closed.how}: ${closed.failure}`,
    );
  if (status.served) {
    terminal.print(...servedLines(id, status));
    return 0;
  }
  if (isRefused(status)) {
    const problem = status.refusal ?? status.lastError;
    throw new CommandError(problem === null ? `${id} does not complete` : describeProblem(problem));
  }
  if (status.phase === 'paused') {
    const waiting = status.waitingFor.join('; ');
    terminal.note(
      `${id} is paused, and Complete is remembered. Waiting for: ${waiting} (vtmigrate Workflow Start ${id})`,
    );
    return 1;
  }
  terminal.note(`${id} is not completed:`, ...gapLines(status.needsPerson?.reason ?? []), ...waysOn(id));
  return 1;
}

function alreadyEnded(id: string, { at, how, result }: ClosedRun, terminal: Terminal): number {
  if (result?.outcome === 'completed') {
    terminal.print(`${id} was completed already, at ${moment(at)}`);
    return 0;
  }
  const ended = result?.outcome === 'planned' ? 'was a dry run' : `has ended (${result?.outcome ?? how})`;
  throw new CommandError(`${id} ${ended} at ${moment(at)}: there is nothing to complete`);
}

function report(id: string, answer: CompleteAnswer, terminal: Terminal): number {
  if (answer.outcome === 'ready') {
    terminal.print(`${id} is ready: Complete would go through now`, ...predictionLines(answer.cutover));
    return 0;
  }
  terminal.print(...notReadyLines(id, answer));
  return 1;
}
