import { UsageError } from '../errors.js';
import { targetKeyspaceFlag, workflowFlag } from './common.js';
import type { Help } from './help.js';
import { identifierOf } from './identifier.js';
import { parseArguments, type FlagSet } from './parse.js';

const vdiffFlags: FlagSet = {
  known: [workflowFlag, targetKeyspaceFlag, { name: 'json', default: 'false', about: 'print the result as JSON' }],
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
    'VDiff compares source and target row by row, and waits for the result. ' +
    'The first one runs automatically after the copy.',
  lines: [
    ['VDiff commerce.wf', 'compare now, or as soon as the copy has finished; exit code 0 when clean, 1 when not'],
    ['VDiff Show commerce.wf', 'the result of the last one'],
  ],
  flags: vdiffFlags,
  notes: [
    'The modern spelling does the same:',
    '  vtmigrate VDiff --workflow wf --target-keyspace commerce create|show',
  ],
};

/** A parsed command line of `VDiff`. */
export interface VDiffRequest {
  action: 'create' | 'show';
  id: string;
  json: boolean;
}

/** Parses a command line of `VDiff`. @throws UsageError, MigrationError INVALID_INPUT */
export function parseVDiff(argv: readonly string[]): VDiffRequest {
  const args = parseArguments(argv, vdiffFlags, 'VDiff');
  const [first, ...rest] = args.words;
  const json = args.bool('json') ?? false;
  const identify = (words: readonly string[]) =>
    identifierOf(args, words, 'target-keyspace', 'vtmigrate VDiff commerce.wf').id;
  const named = args.has('workflow') || args.has('target-keyspace');
  const action = first?.toLowerCase();
  if (action === 'create') return { action, id: identify(rest), json };
  // vtctldclient's `show last`: there is no other one to show.
  if (action === 'show')
    return { action, id: identify(rest[0]?.toLowerCase() === 'last' ? rest.slice(1) : rest), json };
  if (first === undefined && named)
    throw new UsageError('which action? With -workflow and -target-keyspace, VDiff needs create or show');
  if (first !== undefined && (named || !first.includes('.')))
    throw new UsageError(
      `invalid action for VDiff: ${first.toLowerCase()}. VDiff knows create and show, ` +
        'or the identifier alone: vtmigrate VDiff commerce.wf',
    );
  return { action: 'create', id: identify(args.words), json };
}
