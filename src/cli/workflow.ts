import { setTimeout as sleep } from 'node:timers/promises';
import { PassingError, UsageError } from './errors.js';
import { parseArguments, type FlagSet } from './flags.js';
import { wrapped } from './format.js';
import type { Help } from './help.js';
import { identifierOf } from './identifier.js';
import { readLive, type Live } from './live.js';
import { renderStatus } from './render-status.js';
import type { Session } from './session.js';
import type { Terminal } from './terminal.js';

const workflowFlags: FlagSet = {
  known: [
    { name: 'workflow', also: ['w'], takes: '<name>', about: 'the name of the workflow, instead of the identifier' },
    { name: 'keyspace', also: ['k', 'target-keyspace'], takes: '<keyspace>', about: 'its target keyspace, instead of the identifier' },
    { name: 'json', default: 'false', about: 'print the status as JSON; with -watch one line each' },
    { name: 'watch', default: 'false', about: 'again every second, until Ctrl-C or the end' },
  ],
  notYet: ['include-logs', 'format', 'shards', 'show-all', 'keep-data', 'keep-routing-rules', 'dry-run'],
};

export const workflowHelp: Help = {
  name: 'Workflow',
  about: 'Workflow Show prints where a migration is, as of this second.',
  lines: [['Workflow Show commerce.wf', 'streams, progress of every table, phase, last VDiff, what it waits for, and what is wrong with what to do']],
  flags: workflowFlags,
  notes: ['The modern spelling does the same:', '  vtmigrate Workflow --keyspace commerce show --workflow wf'],
};

/** What a command line of `Workflow` asks for. */
export interface ShowRequest {
  id: string;
  json: boolean;
  watch: boolean;
}

/** @throws UsageError, MigrationError INVALID_INPUT */
export function parseWorkflow(argv: readonly string[]): ShowRequest {
  const args = parseArguments(argv, workflowFlags, 'Workflow');
  // `Workflow commerce.wf Show` is the order of the old vtctl.
  const [first, second, ...rest] = args.words;
  const swapped = second?.toLowerCase() === 'show' && first?.toLowerCase() !== 'show';
  const [action, ...words]: readonly (string | undefined)[] = swapped ? ['show', first, ...rest] : args.words;
  if (action === undefined) throw new UsageError('which action? Workflow knows Show: vtmigrate Workflow Show commerce.wf');
  if (action.toLowerCase() !== 'show') throw new UsageError(`invalid action for Workflow: ${action.toLowerCase()}. Workflow knows Show; to begin and end a migration: vtmigrate Migrate Create, Complete, Cancel`);
  const { id } = identifierOf(args, words.filter((word) => word !== undefined), 'keyspace', 'vtmigrate Workflow Show commerce.wf');
  return { id, json: args.bool('json') ?? false, watch: args.bool('watch') ?? false };
}

/** Prints where a migration is; gives the exit code. @throws CommandError */
export async function runWorkflow({ id, json, watch }: ShowRequest, session: Session, terminal: Terminal): Promise<number> {
  const live = await readLive(session, session.migration(id));
  if (watch) await keepShowing(live, json, session, terminal);
  else terminal.print(...(json ? [JSON.stringify(live.status, null, 2)] : renderStatus(live, new Date())));
  return 0;
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
