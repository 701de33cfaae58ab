import { setTimeout as sleep } from 'node:timers/promises';
import type { Live } from '../../migration/lifecycle/live.js';
import type { OptionsRequest } from '../../migration/input/input.js';
import { messages } from '../../migration/lifecycle/messages.js';
import type { WorkflowRequest } from '../args/workflow.js';
import { phases } from '../../migration/lifecycle/phases.js';
import { CommandError, PassingError } from '../errors.js';
import { oneLine, wrapped } from '../output/format.js';
import { progressOn } from '../output/progress.js';
import { renderStatus } from '../output/status.js';
import { renderTablePage } from '../output/tables.js';
import type { Terminal } from '../output/terminal.js';
import { Follower } from '../temporal/follower.js';
import { readLive } from '../temporal/live.js';
import { runTablesWorkflow } from '../temporal/one-off.js';
import { described, type Migration, type Session } from '../temporal/session.js';
import { request } from '../temporal/request.js';
import { updateOptions } from '../temporal/update-options.js';

/** Milliseconds between two frames of -watch. */
const watchInterval = 1_000;

/** Shows, pauses or resumes a migration; returns the exit code. @throws CommandError */
export async function runWorkflow(request: WorkflowRequest, session: Session, terminal: Terminal): Promise<number> {
  const { action, id } = request;
  if (action === 'retry' || action === 'skip') return helpOn(action, id, session, terminal);
  if (action === 'update') return update(id, request.payload, session, terminal);
  if (action !== 'show') return change(action, id, session, terminal);
  const { json, watch, page } = request;
  if (page !== undefined) {
    const answer = await runTablesWorkflow(session, id, page);
    terminal.print(...(json ? [JSON.stringify(answer, null, 2)] : renderTablePage(answer)));
    return 0;
  }
  const live = await readLive(session, { id });
  if (watch) await keepShowing(live, json, session, terminal);
  else terminal.print(...(json ? [JSON.stringify(live.status, null, 2)] : renderStatus(live, new Date())));
  return 0;
}

async function running(id: string, session: Session): Promise<Migration> {
  const description = await session.describe({ id });
  if (description.status.name === 'RUNNING') return described(description);
  throw new CommandError(`${id} has ended: it has no streams any more. See vtmigrate Workflow Show ${id}`);
}

async function change(action: 'pause' | 'resume', id: string, session: Session, terminal: Terminal): Promise<number> {
  const migration = await running(id, session);
  await request(session, migration, messages[action], undefined);
  terminal.farewell = 'the request is remembered; it is carried out without this command';
  const { status, closed } = await new Follower(session, migration, progressOn(terminal)).until(
    (live) => live.closed !== null || !live.status.requested.includes(action),
  );
  const ended = closed !== null || phases[status.phase].final;
  const paused = status.phase === 'paused' || status.requested.includes('pause');
  const outcome = ended ? 'ended' : paused ? 'paused' : 'resumed';
  terminal.print(
    {
      paused: `Paused ${id}: its streams are stopped. To resume: vtmigrate Workflow Start ${id}`,
      resumed: `Resumed ${id}: its streams are started.`,
      ended: `${id} has ended in the meantime: see vtmigrate Workflow Show ${id}`,
    }[outcome],
  );
  // Its streams have run: a Complete that was remembered may be through by now.
  const ranToItsEnd = action === 'resume' && status.phase === 'completed';
  return outcome === `${action}d` || ranToItsEnd ? 0 : 1;
}

async function update(id: string, payload: OptionsRequest, session: Session, terminal: Terminal): Promise<number> {
  const migration = await running(id, session);
  terminal.farewell = 'the request is remembered; it is carried out without this command';
  await updateOptions(migration, payload, session, new Follower(session, migration, progressOn(terminal)));
  const changed = Object.entries(payload).map(([option, value]) => `${option} ${oneLine(shown(value))}`);
  terminal.print(`Updated ${id}: ${changed.join('; ')}.`);
  return 0;
}

/** Lists as they are typed, and settings. */
function shown(value: OptionsRequest[keyof OptionsRequest]): string {
  if (typeof value !== 'object' || Array.isArray(value)) return [value].flat().join(', ');
  return Object.entries(value)
    .map((pair) => pair.join('='))
    .join(',');
}

async function helpOn(action: 'retry' | 'skip', id: string, session: Session, terminal: Terminal): Promise<number> {
  await request(session, await running(id, session), messages[action], undefined);
  terminal.print(`Asked ${id} to ${action}: see vtmigrate Workflow Show ${id}`);
  return 0;
}

async function keepShowing(first: Live, json: boolean, session: Session, terminal: Terminal): Promise<void> {
  const { runId, taskQueue, status } = first;
  const migration = { id: status.workflow, runId, taskQueue };
  let live = first;
  let trouble: string[] = [];
  for (;;) {
    if (json) terminal.print(JSON.stringify(live.status));
    else terminal.draw([...trouble, ...fit(live, terminal.size)], [...trouble, ...renderStatus(live, new Date())]);
    if (live.closed !== null) break;
    await sleep(watchInterval);
    try {
      live = await readLive(session, migration);
      trouble = [];
    } catch (error) {
      // The last known state is worth more than an empty screen.
      if (!(error instanceof PassingError)) throw error;
      trouble = [`NOT LIVE: ${error.message}`, ''];
    }
  }
  terminal.leave();
}

/** Shows as many tables as leave room for the lines below them. */
function fit(live: Live, size: Terminal['size']): string[] {
  const now = new Date();
  const whole = renderStatus(live, now);
  if (size === undefined) return whole;
  const height = whole.flatMap((line) => wrapped(line, size.columns)).length;
  const spare = size.rows - 4 - height;
  return spare >= 0 ? whole : renderStatus(live, now, Math.max(1, live.status.tables.length + spare));
}
