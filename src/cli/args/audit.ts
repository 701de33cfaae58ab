import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import { auditInputSchema, parseWith, type AuditInput } from '../../migration/input/input.js';
import { UsageError } from '../errors.js';
import type { Help } from './help.js';
import { namesOf } from './lists.js';
import { parseArguments, type FlagSet } from './parse.js';

const auditFlags: FlagSet = {
  known: [
    {
      name: 'remove',
      takes: '<a,b,…>',
      list: true,
      default: 'nothing',
      about: 'remove these: names as they are listed, joined by commas, or a JSON list of names',
    },
    { name: 'json', default: 'false', about: 'print what was found as JSON' },
  ],
  notYet: [],
};

export const auditHelp: Help = {
  name: 'Audit',
  about:
    'Audit lists what migrations have left in a target keyspace: journals, streams, VDiff rows, copy state, tables, ' +
    'denied tables, fences and locks. It shows what belongs to no live migration, of this program or of another.',
  lines: [
    ['Audit commerce', 'list it; exit code 0 when there is no residue, 1 when there is'],
    ['Audit commerce.wf', 'the same for one migration'],
    [
      'Audit commerce -remove denied:commerce/0/corder',
      'remove what is named, after another look; refuses tables with rows, and anything live',
    ],
  ],
  flags: auditFlags,
  notes: [
    'In the list, "-" can be removed by name, "!" is unowned but cannot be removed, and lines with neither are live.',
    'A migration without a running workflow is better finished than removed: vtmigrate Migrate Complete or Cancel.',
  ],
};

/** A parsed command line of `Audit`. */
export interface AuditRequest {
  input: AuditInput;
  json: boolean;
}

/** Parses a command line of `Audit`. @throws UsageError, MigrationError INVALID_INPUT */
export function parseAudit(argv: readonly string[]): AuditRequest {
  const args = parseArguments(argv, auditFlags, 'Audit');
  const [word, ...more] = args.words;
  if (word === undefined) throw new UsageError('which keyspace? Give its name: vtmigrate Audit commerce');
  if (more.length > 0) throw new UsageError(`too many words: ${more.join(' ')}`);
  const of = word.includes('.') ? parseWorkflowIdentifier(word) : { keyspace: word };
  return {
    input: parseWith(auditInputSchema, { ...of, remove: namesOf(args, 'remove') ?? [] }, 'Audit'),
    json: args.bool('json') ?? false,
  };
}
