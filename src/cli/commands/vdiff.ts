import { isClean } from '../../migration/proof/vdiff.js';
import type { VDiffAnswer } from '../../workflows/messages.js';
import { waysOn } from './complete.js';
import { CommandError, UsageError } from '../errors.js';
import { parseArguments, type FlagSet } from '../args/parse.js';
import { moment } from '../output/format.js';
import type { Help } from '../args/help.js';
import { identifierOf } from '../args/identifier.js';
import { readLive } from '../temporal/live.js';
import { Follower } from '../temporal/follow.js';
import { renderVDiff } from '../output/vdiff.js';
import type { Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

const vdiffFlags: FlagSet = {
  known: [
    { name: 'workflow', also: ['w'], takes: '<name>', about: 'the name of the workflow, instead of the identifier' },
    { name: 'target-keyspace', takes: '<keyspace>', about: 'its target keyspace, instead of the identifier' },
    { name: 'json', default: 'false', about: 'print what was found as JSON' },
  ],
  notYet: [
    'source-cell',
    'target-cell',
    'source-cells',
    'target-cells',
    'tablet-types',
    'tablet-types-in-preference-order',
    'filtered-replication-wait-time',
    'limit',
    'debug-query',
    'max-report-sample-rows',
    'only-pks',
    'tables',
    'max-extra-rows-to-compare',
    'wait',
    'wait-update-interval',
    'auto-retry',
    'update-table-stats',
    'max-diff-duration',
    'row-diff-column-truncate-at',
    'auto-start',
    'target-shards',
    'verbose',
    'format',
    'v1',
    'v2',
    'checksum',
    'sample-pct',
  ],
};

export const vdiffHelp: Help = {
  name: 'VDiff',
  about:
    'VDiff compares source and target row by row, and waits for what it finds. The first one runs by itself after the copy.',
  lines: [
    ['VDiff commerce.wf', 'compare now, or as soon as the copy has finished; exit code 0 when clean, 1 when not'],
    ['VDiff Show commerce.wf', 'what the last one found'],
  ],
  flags: vdiffFlags,
  notes: [
    'The modern spelling does the same:',
    '  vtmigrate VDiff --workflow wf --target-keyspace commerce create|show',
  ],
};

/** What a command line of `VDiff` asks for. */
export interface VDiffRequest {
  action: 'create' | 'show';
  id: string;
  json: boolean;
}

/** @throws UsageError, MigrationError INVALID_INPUT */
export function parseVDiff(argv: readonly string[]): VDiffRequest {
  const args = parseArguments(argv, vdiffFlags, 'VDiff');
  const [first, ...rest] = args.words;
  const json = args.bool('json') ?? false;
  const identify = (words: readonly string[]) =>
    identifierOf(args, words, 'target-keyspace', 'vtmigrate VDiff commerce.wf').id;
  const named = args.has('workflow') || args.has('target-keyspace');
  const action = first?.toLowerCase();
  if (action === 'create') return { action, id: identify(rest), json };
  // `show last` is the modern client's way; there is no other one to show.
  if (action === 'show')
    return { action, id: identify(rest[0]?.toLowerCase() === 'last' ? rest.slice(1) : rest), json };
  if (first === undefined && named)
    throw new UsageError('which action? With -workflow and -target-keyspace, VDiff needs create or show');
  if (first !== undefined && (named || !first.includes('.')))
    throw new UsageError(
      `invalid action for VDiff: ${first.toLowerCase()}. VDiff knows create and show, or the identifier alone: vtmigrate VDiff commerce.wf`,
    );
  return { action: 'create', id: identify(args.words), json };
}

/** Runs or shows a VDiff; gives the exit code: 0 when it is clean. @throws CommandError */
export async function runVDiff(request: VDiffRequest, session: Session, terminal: Terminal): Promise<number> {
  const answer =
    request.action === 'show' ? await last(request.id, session) : await compare(request.id, session, terminal);
  const { vdiff, clean } = answer;
  if (request.json) terminal.print(JSON.stringify(answer, null, 2));
  else if (vdiff !== null) terminal.print(...renderVDiff(request.id, vdiff));
  if (vdiff === null) throw new CommandError(`${request.id}: no VDiff has finished`);
  if (!clean && vdiff.state !== 'running') for (const line of ['', ...waysOn(request.id)]) terminal.note(line);
  return clean ? 0 : 1;
}

async function last(id: string, session: Session): Promise<VDiffAnswer> {
  const { status } = await readLive(session, session.migration(id));
  return { vdiff: status.vdiff, clean: status.vdiff !== null && isClean(status.vdiff) };
}

async function compare(id: string, session: Session, terminal: Terminal): Promise<VDiffAnswer> {
  const description = await session.describe(session.migration(id));
  if (description.status.name !== 'RUNNING') {
    throw new CommandError(
      `${id} has ended${description.closeTime === undefined ? '' : ` at ${moment(description.closeTime.toISOString())}`}: its streams are gone, so nothing can be compared. What the last VDiff found: vtmigrate VDiff Show ${id}`,
    );
  }
  const migration = session.migration(id, description.runId);
  const update = await session.request<VDiffAnswer>(migration, 'vdiff', {}, description.taskQueue);
  terminal.farewell = `the VDiff goes on without this command: vtmigrate Workflow Show ${id}`;
  return new Follower(session, migration, terminal).during(session.answer(update, description.taskQueue));
}
