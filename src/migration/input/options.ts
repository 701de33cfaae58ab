import type { z } from 'zod';
import { always } from './hours.js';
import * as kinds from './kinds.js';
import { optional, required, withDefault, type Action, type Option } from './option.js';
import { streamOptions, tabletTypes } from './stream-options.js';

/** Each lane has a stream for each pair of shards, and each stream reads the whole binary log of its source. */
export const mostLanes = 16;
export const sourceTablesActions = ['keep', 'rename', 'drop'] as const;

/** Every option of a migration, by its JSON field, in the order of the help and the documents. */
export const options = {
  source: {
    ...required(kinds.identifier('<mount>.<keyspace>', 'ext1.load')),
    of: ['Create', 'Adopt'],
    flag: 'source',
    about: 'the mounted external cluster and its keyspace',
  },
  target: {
    ...required(kinds.identifier('<keyspace>.<workflow>', 'commerce.wf')),
    of: ['Create', 'Adopt'],
    about: 'the workflow identifier',
  },
  all: {
    ...withDefault(kinds.boolean, false),
    of: ['Create'],
    flag: 'all',
    aliases: ['all-tables'],
    about: 'move every table of the source keyspace',
  },
  tables: {
    ...optional({ ...kinds.tables, schema: kinds.tables.schema.min(1, { error: 'must name a table' }) }),
    of: ['Create'],
    flag: 'tables',
    about: 'move these tables, named exactly as in the source',
  },
  exclude: {
    ...withDefault(kinds.tables, []),
    of: ['Create'],
    flag: 'exclude',
    aliases: ['exclude-tables'],
    about: 'leave these tables out',
  },
  cells: {
    ...optional(kinds.cells),
    of: ['Create', 'Update'],
    flag: 'cells',
    aliases: ['c'],
    about: 'cells of the source in which a stream looks for a tablet',
    absent: 'every cell with a fitting tablet',
  },
  allCells: {
    ...withDefault(kinds.boolean, false),
    of: ['Create'],
    flag: 'all-cells',
    aliases: ['a'],
    about: 'let a stream look for a tablet in every cell that the source has, also where it has none yet',
  },
  ...streamOptions,
  dropForeignKeys: {
    ...withDefault(kinds.boolean, false),
    of: ['Create'],
    flag: 'drop-foreign-keys',
    about: 'create the tables without their foreign keys',
  },
  shardedAutoIncrementHandling: {
    ...withDefault(kinds.vitessWord(['LEAVE', 'REMOVE']), 'LEAVE'),
    of: ['Create'],
    flag: 'sharded-auto-increment-handling',
    about: 'keep or remove AUTO_INCREMENT in the tables of a sharded target, where each shard would count for itself',
  },
  lanes: {
    ...optional(kinds.wholeNumber(1, mostLanes)),
    of: ['Create'],
    flag: 'lanes',
    about: 'number of parts of the tables that are copied at the same time, each by a Vitess workflow of its own',
    absent: '1 to 8, by the number and sizes of the tables',
  },
  copyHours: {
    ...withDefault(kinds.hours, always),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'copy-hours',
    about: 'hours of the day in which tables may be copied; outside them the streams that copy are stopped',
  },
  maxThreadsRunning: {
    ...optional(kinds.wholeNumber(2, 100_000)),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'max-threads-running',
    about: 'threads at work in a MySQL of either side, above which the copy is held back',
    absent: '25, and one lane copies on',
  },
  maxReplicationLag: {
    ...optional(kinds.durationFrom('1s', '7d')),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'max-replication-lag',
    about: 'how far a replica of either side may be behind, above which the copy is held back',
    absent: '10 s, and one lane copies on',
  },
  mount: { ...optional(kinds.mountConfig), of: ['Create'], about: 'mount the external cluster in the same run' },
  complete: {
    ...withDefault(kinds.word(['signal', 'auto']), 'signal'),
    of: ['Create'],
    flag: 'complete',
    about: 'complete when asked to (signal), or as soon as it is proven safe (auto)',
  },
  vdiffMaxAge: {
    ...withDefault(kinds.duration, '24h'),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'vdiff-max-age',
    about: 'run VDiff again before completing when the last clean one is older than this',
  },
  vdiffTabletTypes: {
    ...optional(kinds.vitessWords(tabletTypes, 'a tablet type')),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'vdiff-tablet-types',
    about: 'tablet types of both sides that VDiff reads from, tried in this order',
    absent: 'those of the streams; PRIMARY while a replica of the target is far behind',
  },
  vdiffWaitTime: {
    ...withDefault(kinds.durationFrom('1s', '1h'), '30s'),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'vdiff-wait-time',
    about: 'how long VDiff waits for tablets to catch up; the streams stand still meanwhile',
  },
  vdiffStallTimeout: {
    ...withDefault(kinds.durationFrom('10s', '7d'), '10m'),
    of: ['Create', 'Adopt', 'Update'],
    kept: true,
    flag: 'vdiff-stall-timeout',
    about: 'end a VDiff that has compared nothing more for this long, and run it again',
  },
  catchUpTimeout: {
    ...withDefault(kinds.durationFrom('1s', '30m'), '30s'),
    of: ['Create', 'Complete', 'Adopt', 'Update'],
    kept: true,
    flag: 'timeout',
    about: "how long Complete waits for the streams to reach the source's position; with a fence, so do writers",
  },
  maxReplicationLagAllowed: {
    ...optional(kinds.durationFrom('1s', '7d')),
    of: ['Create', 'Complete', 'Adopt', 'Update'],
    kept: true,
    flag: 'max-replication-lag-allowed',
    about: 'how far a stream may be behind the source for Complete to begin',
    absent: 'any lag that the streams make up within -timeout',
  },
  fenceSource: {
    ...withDefault(kinds.boolean, false),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'fence-source',
    about: "at Complete, deny the tables to the source's applications, so that no write is lost",
  },
  insideFence: {
    ...optional(kinds.hook),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'inside-fence',
    about: 'with fenceSource: what to call while nobody can write, to switch a router (docs/inside-the-fence.md)',
  },
  insideFenceTimeout: {
    ...withDefault(kinds.durationFrom('1s', '5m'), '10s'),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'inside-fence-timeout',
    about: 'how long that may take before the fence is taken down; writers wait meanwhile',
  },
  sourceTables: {
    ...withDefault(kinds.word(sourceTablesActions), 'keep'),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'source-tables',
    about: "what becomes of the source's tables once the target serves them",
  },
  sourceTablesAfter: {
    ...withDefault(kinds.duration, '0s'),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'source-tables-after',
    about: 'how long to wait before that; until then keepSource (-keep_data Complete) calls it off',
  },
  initializeTargetSequences: {
    ...withDefault(kinds.boolean, false),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'initialize-target-sequences',
    about: 'at Complete, raise the sequences of the tables above the largest key',
  },
  repairFloats: {
    ...withDefault(kinds.tables, []),
    of: ['Create', 'Complete', 'Adopt'],
    kept: true,
    flag: 'repair-floats',
    about: 'set the FLOAT columns of these tables, which the copy rounds, from the source',
  },
  accept: {
    ...withDefault(kinds.acceptedChecks, []),
    of: ['Create'],
    flag: 'accept',
    about: 'go on in spite of these warnings of preflight (docs/preflight.md)',
  },
  leaveTables: {
    ...optional(kinds.tables),
    of: ['Complete', 'Adopt'],
    flag: 'leave-tables',
    about: 'first let these tables leave the migration: their copies on the target are removed',
  },
  acceptRows: {
    ...optional(kinds.tables),
    of: ['Complete', 'Adopt'],
    flag: 'accept-rows',
    about: 'complete although the rows or the partitions of these tables are not the same',
  },
  force: {
    ...withDefault(kinds.boolean, false),
    of: ['Complete', 'Adopt'],
    flag: 'force',
    about: 'complete although rows are not the same, of whatever table',
  },
  dryRun: {
    ...withDefault(kinds.boolean, false),
    of: ['Create', 'Complete'],
    flag: 'dry-run',
    about: 'change nothing: Create returns the plan, Complete what it lacks',
  },
} as const satisfies Record<string, Option>;

type Options = typeof options;
export type Field = keyof Options;

/** The fields of an action. */
type FieldOf<A extends Action> = {
  [F in Field]: A extends Options[F]['of'][number] ? F : never;
}[Field];

type SchemaOf<A extends Action, F extends Field> = A extends 'Create'
  ? Options[F]['schema']
  : A extends 'Update'
    ? z.ZodOptional<Options[F]['kind']['schema']>
    : Options[F] extends { kept: true }
      ? z.ZodOptional<Options[F]['kind']['schema']>
      : Options[F]['schema'];

/** The fields of an action, in their order. */
export function fieldsOf<A extends Action>(action: A): FieldOf<A>[] {
  const fields = Object.keys(options) as Field[];
  return fields.filter((field): field is FieldOf<A> => belongsTo(options[field], action));
}

/** The fields whose value from Create holds until Complete or Adopt names another one. */
export const keptFields = fieldsOf('Adopt').filter(
  (field): field is { [F in FieldOf<'Adopt'>]: Options[F] extends { kept: true } ? F : never }[FieldOf<'Adopt'>] =>
    'kept' in options[field],
);

function belongsTo(option: Option, action: Action): boolean {
  return option.of.includes(action);
}

/** The schemas of an action's fields, for `z.strictObject`. */
export function shapeOf<A extends Action>(action: A): { [F in FieldOf<A>]: SchemaOf<A, F> } {
  const shape = fieldsOf(action).map((field) => {
    const option: Option = options[field];
    const only = action === 'Update' || (action !== 'Create' && option.kept === true);
    return [field, only ? option.kind.schema.optional() : option.schema];
  });
  // For each field, the line above has the type that StreamOptions gives it.
  return Object.fromEntries(shape) as { [F in FieldOf<A>]: SchemaOf<A, F> };
}
