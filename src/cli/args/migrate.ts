import {
  completeRequestSchema,
  leaveRequestSchema,
  parseWith,
  type CompleteRequest,
  type LeaveRequest,
  type MigrateInput,
  type RawCompleteRequest,
  type RawMigrateInput,
} from '../../migration/input/input.js';
import { migrateContract } from '../../migration/preflight/contract.js';
import { UsageError } from '../errors.js';
import type { Help } from './help.js';
import { identifierOf } from './identifier.js';
import { namesOf } from './lists.js';
import { migrateFlags, readOptions, type Unchecked } from './migrate-flags.js';
import { parseArguments, type Arguments } from './parse.js';
import { preferenceOf, sourceOf, sourceTablesOf } from './spellings.js';

const actions = { create: 'Create', complete: 'Complete', cancel: 'Cancel', leave: 'Leave' } as const;

export const migrateHelp: Help = {
  name: 'Migrate',
  about: 'Migrate starts and ends the move of tables from a mounted external cluster.',
  lines: [
    ['Migrate -all -source ext1.load Create commerce.wf', 'start to copy; with -dry_run only print the plan'],
    [
      'Migrate Complete commerce.wf',
      'prove that the copy is complete and equal, then serve the tables from the target; remembered when too early',
    ],
    ['Migrate Cancel commerce.wf', 'restore the target as it was'],
    [
      'Migrate -tables tmp_report Leave commerce.wf',
      'let tables leave a running migration: their copies on the target are removed, the others go on',
    ],
  ],
  flags: migrateFlags,
  notes: [
    'Complete and Cancel also take over a migration whose workflow was terminated or lost, and one that vtctldclient',
    'has made: they show what is in the cluster first.',
    '',
    'The modern spelling does the same:',
    '  vtmigrate Migrate --workflow wf --target-keyspace commerce create \\',
    '    --source-keyspace load --mount-name ext1 --all-tables',
    '  vtmigrate Migrate --workflow wf --target-keyspace commerce complete|cancel|leave',
  ],
};

/** A parsed command line of `Migrate`. */
export type MigrateRequest =
  | { action: 'Create'; id: string; input: MigrateInput }
  | { action: 'Complete'; id: string; payload: CompleteRequest }
  | { action: 'Cancel'; id: string }
  | { action: 'Leave'; id: string; payload: LeaveRequest };

/**
 * Parses a command line of `Migrate`, and refuses what is wrong with it before any server is contacted.
 * @throws UsageError, MigrationError INVALID_INPUT
 */
export function parseMigrate(argv: readonly string[]): MigrateRequest {
  const args = parseArguments(argv, migrateFlags, 'Migrate');
  const [word, ...words] = args.words;
  if (word === undefined)
    throw new UsageError(
      'which action? Migrate knows Create, Complete, Cancel and Leave: ' +
        'vtmigrate Migrate -all -source ext1.load Create commerce.wf',
    );
  const name = word.toLowerCase();
  if (!Object.hasOwn(actions, name)) throw new UsageError(invalidAction(name, words[0]));
  const action = actions[name as keyof typeof actions];
  args.only(action);
  const { id, modern } = identifierOf(args, words, 'target-keyspace', `vtmigrate Migrate ${action} commerce.wf`);
  switch (action) {
    case 'Create':
      return { action, id, input: parseWith(migrateContract, createInput(args, id, modern), 'Create') };
    case 'Complete':
      return { action, id, payload: parseWith(completeRequestSchema, completePayload(args), 'Complete') };
    case 'Cancel':
      return { action, id };
    case 'Leave':
      return { action, id, payload: parseWith(leaveRequestSchema, { tables: namesOf(args, 'tables') }, 'Leave') };
  }
}

/** @param modern whether the target was named with -workflow and -target-keyspace */
function createInput(args: Arguments, target: string, modern: boolean): Unchecked<RawMigrateInput> {
  const [all, tables] = [args.bool('all') === true, args.has('tables')];
  if (!tables && !all) throw new UsageError('-all or -tables must be given: which tables shall move?');
  if (tables && all) throw new UsageError('-all and -tables exclude each other: give one of them');
  return { ...readOptions(args, 'Create'), ...preferenceOf(args, modern), source: sourceOf(args), target };
}

function completePayload(args: Arguments): Unchecked<RawCompleteRequest> {
  return { ...readOptions(args, 'Complete'), ...sourceTablesOf(args) };
}

const watching = new Set(['progress', 'show', 'status']);

function invalidAction(action: string, id = 'commerce.wf'): string {
  const instead = watching.has(action) ? `. To watch, use vtmigrate Workflow Show ${id}` : '';
  return (
    `invalid action for Migrate: ${action}. Migrate knows Create, Complete, Cancel and Leave: the copy is one-way, ` +
    `there are no routing rules, no traffic to switch and no reverse replication${instead}`
  );
}
