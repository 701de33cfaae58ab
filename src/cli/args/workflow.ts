import { optionsRequestSchema, parseWith, type OptionsRequest } from '../../migration/input/input.js';
import { tablesPerPage } from '../../migration/lifecycle/table-page.js';
import { UsageError } from '../errors.js';
import { asksForJson, formatFlag, workflowFlag } from './common.js';
import type { Help } from './help.js';
import { identifierOf } from './identifier.js';
import { readOptions, updateFlags } from './migrate-flags.js';
import { parseArguments, type Arguments, type FlagSet } from './parse.js';
import { preferenceOf } from './spellings.js';

const workflowFlags: FlagSet = {
  known: [
    workflowFlag,
    {
      name: 'keyspace',
      aliases: ['k', 'target-keyspace'],
      takes: '<keyspace>',
      about: 'the target keyspace, instead of the identifier',
    },
    { name: 'json', default: 'false', about: 'print the status as JSON; with -watch one line each', of: ['Show'] },
    { ...formatFlag, of: ['Show'] },
    { name: 'watch', default: 'false', about: 'repeat every second, until Ctrl-C or the end', of: ['Show'] },
    {
      name: 'page',
      takes: '<n>',
      about: `list a page of its tables, ${tablesPerPage} each: of thousands, the state shows only some`,
      of: ['Show'],
    },
    ...updateFlags,
  ],
  notYet: ['include-logs', 'shards', 'show-all', 'keep-data', 'keep-routing-rules', 'dry-run'],
};

export const workflowHelp: Help = {
  name: 'Workflow',
  about: 'Workflow Show prints the live state of a migration; Stop and Start pause and resume it, Update changes it.',
  lines: [
    [
      'Workflow Show commerce.wf',
      'streams, progress of every table, phase, last VDiff, what it waits for, and problems with their remedies',
    ],
    [
      'Workflow Stop commerce.wf',
      'pause: stop the streams until they are started again; a requested Complete is remembered',
    ],
    ['Workflow Start commerce.wf', 'resume: start the streams, including those that Vitess ended with an error'],
    [
      'Workflow -tablet_types PRIMARY Update commerce.wf',
      'change options of a running migration: its streams start anew where they are concerned, and so does a VDiff',
    ],
    ['Workflow Retry commerce.wf', 'try what keeps failing again at once, instead of after up to an hour'],
    [
      'Workflow Skip commerce.wf',
      'past the point of no return: complete without trying the tables through vtgate, and say so in the result',
    ],
  ],
  flags: workflowFlags,
  notes: [
    'The modern spelling does the same:',
    '  vtmigrate Workflow --keyspace commerce show|stop|start|update --workflow wf',
    'Pause and Resume, the names of the signals, work as well.',
  ],
};

/** A parsed command line of `Workflow`. */
export type WorkflowRequest =
  | { action: 'show'; id: string; json: boolean; watch: boolean; page?: number }
  | { action: 'pause' | 'resume' | 'retry' | 'skip'; id: string }
  | { action: 'update'; id: string; payload: OptionsRequest };

const actions = new Map<string, WorkflowRequest['action']>([
  ['show', 'show'],
  ['stop', 'pause'],
  ['pause', 'pause'],
  ['start', 'resume'],
  ['resume', 'resume'],
  ['update', 'update'],
  ['retry', 'retry'],
  ['skip', 'skip'],
]);

/** Parses a command line of `Workflow`. @throws UsageError, MigrationError INVALID_INPUT */
export function parseWorkflow(argv: readonly string[]): WorkflowRequest {
  const args = parseArguments(argv, workflowFlags, 'Workflow');
  // `Workflow commerce.wf Show` is the order of the old vtctl.
  const [first, second, ...rest] = args.words;
  const swapped = actions.has(second?.toLowerCase() ?? '') && !actions.has(first?.toLowerCase() ?? '');
  const [word, ...words]: readonly (string | undefined)[] = swapped ? [second, first, ...rest] : args.words;
  if (word === undefined)
    throw new UsageError(
      'which action? Workflow knows Show, Stop, Start, Update, Retry and Skip: vtmigrate Workflow Show commerce.wf',
    );
  const action = actions.get(word.toLowerCase());
  if (action === undefined)
    throw new UsageError(
      `invalid action for Workflow: ${word.toLowerCase()}. Workflow knows Show, Stop, Start, Update, Retry and ` +
        'Skip; ' +
        'to start and end a migration: vtmigrate Migrate Create, Complete, Cancel',
    );
  args.only(word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
  const { id, modern } = identifierOf(
    args,
    words.filter((each) => each !== undefined),
    'keyspace',
    'vtmigrate Workflow Show commerce.wf',
  );
  if (action === 'show') return { action, id, ...shown(args) };
  if (action !== 'update') return { action, id };
  const given = { ...readOptions(args, 'Update'), ...preferenceOf(args, modern) };
  return { action, id, payload: parseWith(optionsRequestSchema, given, 'Update') };
}

function shown(args: Arguments): { json: boolean; watch: boolean; page?: number } {
  const how = { json: asksForJson(args), watch: args.bool('watch') ?? false };
  const page = args.text('page');
  if (page === undefined) return how;
  if (!/^[1-9]\d{0,8}$/.test(page)) throw new UsageError(`-page must be a number from 1 on, not ${page}`);
  if (how.watch) throw new UsageError('-page and -watch exclude each other: a page is read once');
  return { ...how, page: Number(page) };
}
