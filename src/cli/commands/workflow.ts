import { setTimeout as sleep } from 'node:timers/promises';
import type { PauseAnswer } from '../../workflows/messages.js';
import { CommandError, PassingError, UsageError } from '../errors.js';
import { parseArguments, type FlagSet } from '../args/parse.js';
import { wrapped } from '../output/format.js';
import type { Help } from '../args/help.js';
import { identifierOf } from '../args/identifier.js';
import { readLive, type Live } from '../temporal/live.js';
import { Follower } from '../temporal/follow.js';
import { renderStatus } from '../output/status.js';
import type { Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

const workflowFlags: FlagSet = {
  known: [
    { name: 'workflow', also: ['w'], takes: '<name>', about: 'the name of the workflow, instead of the identifier' },
    {
      name: 'keyspace',
      also: ['k', 'target-keyspace'],
      takes: '<keyspace>',
      about: 'its target keyspace, instead of the identifier',
    },
    { name: 'json', default: 'false', about: 'print the status as JSON; with -watch one line each' },
    { name: 'watch', default: 'false', about: 'again every second, until Ctrl-C or the end' },
  ],
  notYet: ['include-logs', 'format', 'shards', 'show-all', 'keep-data', 'keep-routing-rules', 'dry-run'],
};

export const workflowHelp: Help = {
  name: 'Workflow',
  about: 'Workflow Show prints where a migration is, as of this second; Stop and Start pause and resume it.',
  lines: [
    [
      'Workflow Show commerce.wf',
      'streams, progress of every table, phase, last VDiff, what it waits for, and what is wrong with what to do',
    ],
    [
      'Workflow Stop commerce.wf',
      'pause: stop the streams until they are started again; a Complete that was asked for is remembered',
    ],
    ['Workflow Start commerce.wf', 'resume: start the streams, also those that Vitess has ended'],
  ],
  flags: workflowFlags,
  notes: [
    'The modern spelling does the same:',
    '  vtmigrate Workflow --keyspace commerce show|stop|start --workflow wf',
    'Pause and Resume, the names of the signals, are understood as well.',
  ],
};

/** What a command line of `Workflow` asks for. */
export interface WorkflowRequest {
  action: 'show' | 'pause' | 'resume';
  id: string;
  json: boolean;
  watch: boolean;
}

const actions = new Map<string, WorkflowRequest['action']>([
  ['show', 'show'],
  ['stop', 'pause'],
  ['pause', 'pause'],
  ['start', 'resume'],
  ['resume', 'resume'],
]);

/** @throws UsageError, MigrationError INVALID_INPUT */
export function parseWorkflow(argv: readonly string[]): WorkflowRequest {
  const args = parseArguments(argv, workflowFlags, 'Workflow');
  // `Workflow commerce.wf Show` is the order of the old vtctl.
  const [first, second, ...rest] = args.words;
  const swapped = actions.has(second?.toLowerCase() ?? '') && !actions.has(first?.toLowerCase() ?? '');
  const [word, ...words]: readonly (string | undefined)[] = swapped ? [second, first, ...rest] : args.words;
  if (word === undefined)
    throw new UsageError('which action? Workflow knows Show, Stop and Start: vtmigrate Workflow Show commerce.wf');
  const action = actions.get(word.toLowerCase());
  if (action === undefined)
    throw new UsageError(
      `invalid action for Workflow: ${word.toLowerCase()}. Workflow knows Show, Stop and Start; to begin and end a migration: vtmigrate Migrate Create, Complete, Cancel`,
    );
  const { id } = identifierOf(
    args,
    words.filter((each) => each !== undefined),
    'keyspace',
    'vtmigrate Workflow Show commerce.wf',
  );
  for (const option of ['json', 'watch'])
    if (action !== 'show' && args.has(option)) throw new UsageError(`${args.typed(option)} belongs to Show`);
  return { action, id, json: args.bool('json') ?? false, watch: args.bool('watch') ?? false };
}

/** Shows, pauses or resumes a migration; gives the exit code. @throws CommandError */
export async function runWorkflow(request: WorkflowRequest, session: Session, terminal: Terminal): Promise<number> {
  const { action, id, json, watch } = request;
  if (action !== 'show') return change(action, id, session, terminal);
  const live = await readLive(session, session.migration(id));
  if (watch) await keepShowing(live, json, session, terminal);
  else terminal.print(...(json ? [JSON.stringify(live.status, null, 2)] : renderStatus(live, new Date())));
  return 0;
}

async function change(action: 'pause' | 'resume', id: string, session: Session, terminal: Terminal): Promise<number> {
  const description = await session.describe(session.migration(id));
  if (description.status.name !== 'RUNNING')
    throw new CommandError(`${id} has ended: it has no streams any more. See vtmigrate Workflow Show ${id}`);
  const migration = session.migration(id, description.runId);
  const update = await session.request<PauseAnswer>(migration, action, {}, description.taskQueue);
  terminal.farewell = 'the request is remembered; it is carried out without this command';
  const { outcome } = await new Follower(session, migration, terminal).during(
    session.answer(update, description.taskQueue),
  );
  const said = {
    paused: `Paused ${id}: its streams are stopped. vtmigrate Workflow Start ${id} goes on.`,
    resumed: `Resumed ${id}: its streams are started.`,
    ended: `${id} has ended meanwhile: see vtmigrate Workflow Show ${id}`,
  }[outcome];
  terminal.print(said);
  return outcome === `${action}d` ? 0 : 1;
}

async function keepShowing(first: Live, json: boolean, session: Session, terminal: Terminal): Promise<void> {
  const migration = session.migration(first.status.workflow, first.runId);
  let live = first;
  let trouble: string[] = [];
  for (;;) {
    if (json) terminal.print(JSON.stringify(live.status));
    else terminal.draw([...trouble, ...fit(live, terminal.size)], [...trouble, ...renderStatus(live, new Date())]);
    if (live.end !== null) break;
    await sleep(1_000);
    try {
      live = await readLive(session, migration);
      trouble = [];
    } catch (error) {
      // At 3 a.m. the last known state is worth more than an empty screen.
      if (!(error instanceof PassingError)) throw error;
      trouble = [`NOT LIVE: ${error.message}`, ''];
    }
  }
  terminal.leave();
}

/** As many tables as leave room for what is said below them. */
function fit(live: Live, size: Terminal['size']): string[] {
  const now = new Date();
  const whole = renderStatus(live, now);
  if (size === undefined) return whole;
  const height = whole.flatMap((line) => wrapped(line, size.columns)).length;
  const spare = size.rows - 4 - height;
  return spare >= 0 ? whole : renderStatus(live, now, Math.max(1, live.status.tables.length + spare));
}
