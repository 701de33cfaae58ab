import { optionsRequestSchema, parseWith, type OptionsRequest } from '../../migration/input/input.js';
import { options } from '../../migration/input/options.js';
import { UsageError } from '../errors.js';
import { asksForJson, formatFlag, targetKeyspaceFlag, workflowFlag } from './common.js';
import type { Help } from './help.js';
import { identifierOf } from './identifier.js';
import { itemsOf } from './lists.js';
import { parseArguments, type Arguments, type Flag, type FlagSet } from './parse.js';

const vdiffOptions: readonly Flag[] = [
  {
    name: 'tablet-types',
    takes: '<a,b,…>',
    list: true,
    default: options.vdiffTabletTypes.absent,
    about: `${options.vdiffTabletTypes.about}; later VDiffs do so, too (-vdiff_tablet_types of Migrate)`,
  },
  {
    name: 'filtered-replication-wait-time',
    takes: '<duration>',
    default: 'as it is',
    about: `${options.vdiffWaitTime.about}; in later VDiffs, too (-vdiff_wait_time of Migrate)`,
  },
];

const vdiffFlags: FlagSet = {
  known: [
    workflowFlag,
    targetKeyspaceFlag,
    ...vdiffOptions,
    { name: 'json', default: 'false', about: 'print the result as JSON' },
    formatFlag,
    { name: 'wait', default: 'true', about: 'wait for the result, as VDiff always does' },
  ],
  notYet: [
    'source-cell',
    'target-cell',
    'source-cells',
    'target-cells',
    'tablet-types-in-preference-order',
    'limit',
    'debug-query',
    'max-report-sample-rows',
    'only-pks',
    'tables',
    'max-extra-rows-to-compare',
    'wait-update-interval',
    'auto-retry',
    'update-table-stats',
    'max-diff-duration',
    'row-diff-column-truncate-at',
    'auto-start',
    'target-shards',
    'verbose',
    'checksum',
    'sample-pct',
  ],
  refused: {
    v1: 'the first VDiff is in no Vitess any more',
    v2: 'there is no other VDiff any more: leave it out',
  },
};

export const vdiffHelp: Help = {
  name: 'VDiff',
  about:
    'VDiff compares source and target row by row, and waits for the result. ' +
    'The first one runs automatically after the copy.',
  lines: [
    ['VDiff commerce.wf', 'compare now, or as soon as the copy has finished; exit code 0 when clean, 1 when not'],
    ['VDiff -tablet_types PRIMARY commerce.wf', 'the same, reading primaries on both sides; later VDiffs do so, too'],
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
  /** Options that this VDiff and later ones are to have. */
  payload: OptionsRequest | null;
}

/** Parses a command line of `VDiff`. @throws UsageError, MigrationError INVALID_INPUT */
export function parseVDiff(argv: readonly string[]): VDiffRequest {
  const args = parseArguments(argv, vdiffFlags, 'VDiff');
  const [first, ...rest] = args.words;
  const json = asksForJson(args);
  if (args.bool('wait') === false)
    throw new UsageError(
      `${args.typed('wait')}=false: VDiff waits for the result; Ctrl-C ends the wait, not the VDiff`,
    );
  const identify = (words: readonly string[]) =>
    identifierOf(args, words, 'target-keyspace', 'vtmigrate VDiff commerce.wf').id;
  const named = args.has('workflow') || args.has('target-keyspace');
  const action = first?.toLowerCase();
  const payload = vdiffRequest(args, action);
  if (action === 'create') return { action, id: identify(rest), json, payload };
  // vtctldclient's `show last`: there is no other one to show.
  if (action === 'show')
    return { action, payload, id: identify(rest[0]?.toLowerCase() === 'last' ? rest.slice(1) : rest), json };
  if (first === undefined && named)
    throw new UsageError('which action? With -workflow and -target-keyspace, VDiff needs create or show');
  if (first !== undefined && (named || !first.includes('.')))
    throw new UsageError(
      `invalid action for VDiff: ${first.toLowerCase()}. VDiff knows create and show, ` +
        'or the identifier alone: vtmigrate VDiff commerce.wf',
    );
  return { action: 'create', id: identify(args.words), json, payload };
}

function vdiffRequest(args: Arguments, action = ''): OptionsRequest | null {
  // The order always counts.
  const types = itemsOf(args, 'tablet-types')?.map((type) => type.replace(/^in_order:/i, ''));
  const waitTime = args.text('filtered-replication-wait-time');
  if (types === undefined && waitTime === undefined) return null;
  if (action === 'show') throw new UsageError('Show compares nothing: tablet types and times belong to create');
  const given = {
    ...(types === undefined ? {} : { vdiffTabletTypes: types }),
    ...(waitTime === undefined ? {} : { vdiffWaitTime: waitTime }),
  };
  return parseWith(optionsRequestSchema, given, 'VDiff');
}
