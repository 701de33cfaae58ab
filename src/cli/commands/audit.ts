import { randomUUID } from 'node:crypto';
import { leftBehind } from '../../migration/audit/judge.js';
import { auditInputSchema, parseWith, type AuditInput } from '../../migration/input/input.js';
import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { AuditResult } from '../../workflows/audit.js';
import { UsageError } from '../errors.js';
import { parseArguments, type FlagSet } from '../args/parse.js';
import type { Help } from '../args/help.js';
import { names } from '../args/migrate-options.js';
import { renderAudit } from '../output/audit.js';
import type { Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

const auditFlags: FlagSet = {
  known: [
    {
      name: 'remove',
      takes: '<a,b,…>',
      list: true,
      default: 'nothing',
      about: 'remove these: names as listed, joined by commas, or a JSON list of names',
    },
    { name: 'json', default: 'false', about: 'print what was found as JSON' },
  ],
  notYet: [],
};

export const auditHelp: Help = {
  name: 'Audit',
  about: [
    'Audit lists what migrations have made in a target keyspace: journals, streams, VDiff rows, copy state, tables,',
    'denied tables, fences and locks. Residue is what belongs to no live migration of vtmigrate or of another program.',
  ].join(' '),
  lines: [
    ['Audit commerce', 'list it; exit code 0 when there is no residue, 1 when there is'],
    ['Audit commerce.wf', 'the same for one migration'],
    [
      'Audit commerce -remove denied:commerce/0/corder',
      'remove what is named, after another look; refuses what is live, and a table with rows',
    ],
  ],
  flags: auditFlags,
  notes: [
    'In the list, "-" marks residue that can be removed by name, "!" residue that cannot; what has no mark is live.',
    'Prefer finishing a migration that no workflow runs to removing it: vtmigrate Migrate Complete, or Migrate Cancel.',
  ],
};

/** What a command line of `Audit` asks for. */
export interface AuditRequest {
  input: AuditInput;
  json: boolean;
}

/** @throws UsageError, MigrationError INVALID_INPUT */
export function parseAudit(argv: readonly string[]): AuditRequest {
  const args = parseArguments(argv, auditFlags, 'Audit');
  const [word, ...more] = args.words;
  if (word === undefined) throw new UsageError('which keyspace? Give its name: vtmigrate Audit commerce');
  if (more.length > 0) throw new UsageError(`too many words: ${more.join(' ')}`);
  const of = word.includes('.') ? parseWorkflowIdentifier(word) : { keyspace: word };
  return {
    input: parseWith(auditInputSchema, { ...of, remove: names(args, 'remove') ?? [] }, 'Audit'),
    json: args.bool('json') ?? false,
  };
}

/**
 * Runs the workflow `audit` and prints what it found.
 * @returns the exit code: 1 when there is residue
 * @throws CommandError
 */
export async function runAudit({ input, json }: AuditRequest, session: Session, terminal: Terminal): Promise<number> {
  const result = await look(input, session);
  if (json) terminal.print(JSON.stringify(result, null, 2));
  else terminal.print(...result.removed.map((name) => `Removed ${name}`), ...renderAudit(result));
  return leftBehind(result).length === 0 ? 0 : 1;
}

/** Runs the workflow `audit` to its end. @throws CommandError */
export async function look(input: AuditInput, session: Session): Promise<AuditResult> {
  const of = input.workflow === undefined ? input.keyspace : `${input.keyspace}.${input.workflow}`;
  const handle = await session.call(() =>
    session.client.workflow.start('audit', {
      taskQueue: session.taskQueue,
      workflowId: `audit-${of}-${randomUUID()}`,
      args: [input],
      staticSummary: `audit of ${of}`,
      workflowExecutionTimeout: '2 hours',
    }),
  );
  return session.resultSoon<AuditResult>(handle);
}
