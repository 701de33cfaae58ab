import { onDdlActions, sourceTablesActions, tabletTypes } from '../../migration/input/input.js';
import { UsageError } from '../errors.js';
import type { Arguments, FlagSet } from './parse.js';

const create = ['Create'];
const complete = ['Complete'];
const both = ['Create', 'Complete'];

/** The options of `Migrate`: those of MoveTables in the old and the modern spelling, and a few of ours. */
export const migrateFlags: FlagSet = {
  known: [
    { name: 'workflow', also: ['w'], takes: '<name>', about: 'the name of the workflow, instead of the identifier' },
    {
      name: 'target-keyspace',
      takes: '<keyspace>',
      about: 'the keyspace the tables move to, instead of the identifier',
    },
    { name: 'source', takes: '<mount>.<keyspace>', about: 'where the tables come from', of: create },
    { name: 'mount-name', takes: '<mount>', about: 'with -source-keyspace, the same as -source', of: create },
    { name: 'source-keyspace', takes: '<keyspace>', about: 'with -mount-name, the same as -source', of: create },
    {
      name: 'all',
      also: ['all-tables'],
      default: 'false',
      about: 'move every table of the source keyspace',
      of: create,
    },
    {
      name: 'tables',
      takes: '<a,b,…>',
      list: true,
      about: 'move these tables: names joined by commas, or a JSON list of names',
      of: create,
    },
    {
      name: 'exclude',
      also: ['exclude-tables'],
      takes: '<a,b,…>',
      list: true,
      default: 'none',
      about: 'leave these tables out',
      of: create,
    },
    {
      name: 'cells',
      also: ['c'],
      takes: '<a,b,…>',
      list: true,
      default: 'every cell of the source with a fitting tablet',
      about: 'cells of the source to copy from',
      of: create,
    },
    {
      name: 'tablet-types',
      takes: '<a,b,…>',
      list: true,
      default: 'in_order:REPLICA,PRIMARY',
      about: `of ${tabletTypes.join(', ')}; the prefix in_order: makes it an order of preference`,
      of: create,
    },
    {
      name: 'tablet-types-in-preference-order',
      default: 'true',
      about: 'the same as the prefix in_order:, in the modern spelling',
      of: create,
    },
    { name: 'auto-start', default: 'true', about: 'start the streams', of: create },
    { name: 'stop-after-copy', default: 'false', about: 'stop the streams when the copy has finished', of: create },
    {
      name: 'defer-secondary-keys',
      default: 'true',
      about: 'build secondary keys after the copy of a table',
      of: create,
    },
    {
      name: 'on-ddl',
      takes: '<action>',
      default: 'IGNORE',
      about: `what a stream does at DDL of the source: ${onDdlActions.join(', ')}`,
      of: create,
    },
    {
      name: 'complete',
      takes: 'signal|auto',
      default: 'signal',
      about: 'auto: Complete by itself as soon as it is proven safe',
      of: create,
    },
    {
      name: 'vdiff-max-age',
      takes: '<duration>',
      default: '24h',
      about: 'a clean VDiff older than this is run again before completing',
      of: create,
    },
    {
      name: 'fence-source',
      default: 'false',
      about: "deny the tables to the source's applications, so that no write is lost",
      of: both,
    },
    {
      name: 'source-tables',
      takes: sourceTablesActions.join('|'),
      default: 'keep',
      about: "what becomes of the source's tables once the target serves them",
      of: both,
    },
    {
      name: 'source-tables-after',
      takes: '<duration>',
      default: '0s',
      about: 'how long to wait before that; meanwhile -keep-data Complete calls it off',
      of: both,
    },
    {
      name: 'keep-data',
      about: 'the same as -source-tables=keep; -keep-data=false is -source-tables=drop',
      of: complete,
    },
    { name: 'rename-tables', default: 'false', about: 'the same as -source-tables=rename', of: complete },
    {
      name: 'accept',
      takes: '<a,b,…>',
      list: true,
      default: 'none',
      about: 'go on although preflight warns of this: names of checks (docs/preflight.md)',
      of: create,
    },
    { name: 'force', default: 'false', about: 'complete although the last VDiff is not clean', of: complete },
    {
      name: 'dry-run',
      default: 'false',
      about: 'change nothing; Create prints the plan, Complete what it lacks',
      of: both,
    },
  ],
  notYet: [
    'source-shards',
    'source-time-zone',
    'all-cells',
    'a',
    'keep-routing-rules',
    'drop-foreign-keys',
    'atomic-copy',
    'no-routing-rules',
    'timeout',
    'max-replication-lag-allowed',
    'config-overrides',
    'shards',
    'tenant-id',
    'global-keyspace',
    'initialize-target-sequences',
    'sharded-auto-increment-handling',
    'enable-reverse-replication',
    'reverse-replication',
    'ignore-source-keyspace',
    'delete-batch-size',
    'format',
  ],
};

/**
 * The JSON input of the workflow for a Create. Only what was typed is in it: the contract has the defaults.
 * @param modern whether the target was named with -workflow and -target-keyspace, whose default is a preference order
 * @throws UsageError
 */
export function createInput(args: Arguments, target: string, modern: boolean): Record<string, unknown> {
  const tables = names(args, 'tables');
  if (tables === undefined && args.bool('all') !== true)
    throw new UsageError('-all or -tables must be given: which tables shall move?');
  if (tables !== undefined && args.bool('all') === true)
    throw new UsageError('-all and -tables exclude each other: give one of them');
  const optional = {
    tables,
    all: args.bool('all'),
    exclude: names(args, 'exclude'),
    cells: list(args, 'cells'),
    ...preference(args, modern),
    autoStart: args.bool('auto-start'),
    stopAfterCopy: args.bool('stop-after-copy'),
    deferSecondaryKeys: args.bool('defer-secondary-keys'),
    onDdl: args.text('on-ddl')?.toUpperCase(),
    complete: args.text('complete'),
    vdiffMaxAge: args.text('vdiff-max-age'),
    fenceSource: args.bool('fence-source'),
    sourceTables: args.text('source-tables')?.toLowerCase(),
    sourceTablesAfter: args.text('source-tables-after'),
    dryRun: args.bool('dry-run'),
    accept: list(args, 'accept'),
  };
  return { source: source(args), target, ...given(optional) };
}

/** The payload of `complete`. Only what was typed is in it. @throws UsageError */
export function completePayload(args: Arguments): Record<string, unknown> {
  return given({
    force: args.bool('force'),
    dryRun: args.bool('dry-run'),
    fenceSource: args.bool('fence-source'),
    sourceTables: sourceTablesOf(args),
    sourceTablesAfter: args.text('source-tables-after'),
  });
}

/** Three ways to say the same: two of MoveTables and ours. */
function sourceTablesOf(args: Arguments): string | undefined {
  const [keep, rename] = [args.bool('keep-data'), args.bool('rename-tables')];
  const said = [
    args.text('source-tables')?.toLowerCase(),
    keep === undefined || (!keep && rename === true) ? undefined : keep ? 'keep' : 'drop',
    rename === true ? 'rename' : undefined,
  ].filter((each) => each !== undefined);
  if (new Set(said).size > 1)
    throw new UsageError(`-source-tables, -keep-data and -rename-tables contradict each other: ${said.join(' and ')}`);
  return said[0];
}

function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function source(args: Arguments): string {
  const whole = args.text('source');
  const [mount, keyspace] = [args.text('mount-name'), args.text('source-keyspace')];
  if (whole !== undefined && (mount ?? keyspace) !== undefined)
    throw new UsageError('-source says it all: leave out -mount-name and -source-keyspace');
  if (whole !== undefined) return whole;
  if (mount === undefined || keyspace === undefined)
    throw new UsageError(
      '-source <mount>.<keyspace> is needed, for example -source ext1.load (or -mount-name and -source-keyspace)',
    );
  return `${mount}.${keyspace}`;
}

/** In the old spelling only the prefix makes an order, in the modern one there is one unless it is denied. */
function preference(args: Arguments, modern: boolean): Record<string, unknown> {
  const flag = args.bool('tablet-types-in-preference-order');
  const given = args.values('tablet-types')?.join(',');
  if (given === undefined) return { tabletTypesInPreferenceOrder: flag };
  const [, prefix, rest = ''] = /^(in_order:)?(.*)$/is.exec(given) ?? [];
  if (prefix !== undefined && flag === false)
    throw new UsageError(
      `${args.typed('tablet-types')} says in_order:, and ${args.typed('tablet-types-in-preference-order')} denies it`,
    );
  return {
    tabletTypes: split(rest, args.typed('tablet-types')).map((type) => type.toUpperCase()),
    tabletTypesInPreferenceOrder: prefix !== undefined || (flag ?? modern),
  };
}

function list(args: Arguments, name: string): string[] | undefined {
  return args.values(name)?.flatMap((value) => split(value, args.typed(name)));
}

/** Names of tables: they may contain blanks and dots, so JSON is there for those with a comma. */
export function names(args: Arguments, name: string): string[] | undefined {
  return args
    .values(name)
    ?.flatMap((value) => (/^\s*[[{]/.test(value) ? fromJson(value, args.typed(name)) : split(value, args.typed(name))));
}

function split(value: string, typed: string): string[] {
  const parts = value.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new UsageError(`${typed} has an empty name in it: ${JSON.stringify(value)}`);
  return parts;
}

function fromJson(value: string, typed: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw new UsageError(`${typed} looks like JSON and is not: ${value}`);
  }
  if (!Array.isArray(parsed))
    throw new UsageError(
      `${typed} with a JSON VSchema of tables is not supported yet: name the tables, and apply their VSchema to the target keyspace (vtctldclient ApplyVSchema)`,
    );
  const entries: unknown[] = parsed;
  if (entries.some((entry) => typeof entry !== 'string'))
    throw new UsageError(`${typed} must be a JSON list of names: ${value}`);
  return entries as string[];
}
