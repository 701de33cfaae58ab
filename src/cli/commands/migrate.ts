import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { completeRequestSchema, migrateInputSchema, parseWith } from '../../migration/input/input.js';
import { cancel } from './cancel.js';
import { complete } from './complete.js';
import { create } from './create.js';
import { UsageError } from '../errors.js';
import { parseArguments } from '../args/parse.js';
import type { Help } from '../args/help.js';
import { identifierOf } from '../args/identifier.js';
import { completePayload, createInput, migrateFlags } from '../args/migrate-options.js';
import type { Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

export const migrateHelp: Help = {
  name: 'Migrate',
  about: 'Migrate starts and ends the move of tables from a mounted external cluster.',
  lines: [
    ['Migrate -all -source ext1.load Create commerce.wf', 'begin to copy; with -dry_run only print the plan'],
    [
      'Migrate Complete commerce.wf',
      'prove that the copy is whole and equal, then serve the tables from the target; remembered when it is too early',
    ],
    ['Migrate Cancel commerce.wf', 'put the target back as it was'],
  ],
  flags: migrateFlags,
  notes: [
    'Complete and Cancel also take over a migration whose workflow was terminated or is lost, and one that vtctldclient has made: they show what is there first.',
    '',
    'The modern spelling does the same:',
    '  vtmigrate Migrate --workflow wf --target-keyspace commerce create --source-keyspace load --mount-name ext1 --all-tables',
    '  vtmigrate Migrate --workflow wf --target-keyspace commerce complete|cancel',
  ],
};

/** What a command line of `Migrate` asks for. */
export type MigrateRequest =
  | { action: 'Create'; id: string; input: Record<string, unknown> }
  | { action: 'Complete'; id: string; payload: Record<string, unknown> }
  | { action: 'Cancel'; id: string };

const actions = { create: 'Create', complete: 'Complete', cancel: 'Cancel' } as const;

/**
 * Takes a command line apart and refuses what cannot be, before anything is contacted.
 * @throws UsageError, MigrationError INVALID_INPUT
 */
export function parseMigrate(argv: readonly string[]): MigrateRequest {
  const args = parseArguments(argv, migrateFlags, 'Migrate');
  const [word, ...words] = args.words;
  if (word === undefined)
    throw new UsageError(
      'which action? Migrate knows Create, Complete and Cancel: vtmigrate Migrate -all -source ext1.load Create commerce.wf',
    );
  const name = word.toLowerCase();
  if (!Object.hasOwn(actions, name)) throw new UsageError(invalidAction(name, words[0]));
  const action = actions[name as keyof typeof actions];
  args.only(action);
  const { id, modern } = identifierOf(args, words, 'target-keyspace', `vtmigrate Migrate ${action} commerce.wf`);
  if (action === 'Cancel') return { action, id };
  if (action === 'Complete') {
    const payload = completePayload(args);
    parseWith(completeRequestSchema, payload, 'Complete');
    return { action, id, payload };
  }
  const input = createInput(args, id, modern);
  parseSourceIdentifier(String(input['source']));
  parseWith(migrateInputSchema, input, 'Create');
  return { action, id, input };
}

/** Runs an action of `Migrate`; gives the exit code. */
export function runMigrate(request: MigrateRequest, session: Session, terminal: Terminal): Promise<number> {
  if (request.action === 'Create') return create(request, session, terminal);
  if (request.action === 'Complete') return complete(request, session, terminal);
  return cancel(request, session, terminal);
}

const looking = new Set(['progress', 'show', 'status']);

function invalidAction(action: string, id = 'commerce.wf'): string {
  const instead = looking.has(action) ? `. To watch, use vtmigrate Workflow Show ${id}` : '';
  return `invalid action for Migrate: ${action}. Migrate knows Create, Complete and Cancel: the copy is one-way, there are no routing rules, no traffic to switch and no reverse replication${instead}`;
}
