import type { NameList } from '../plan/reference.js';
import { MigrationError, type Place } from '../problem/errors.js';
import type { ShardFacts } from '../plan/facts.js';
import { formatIdentifier, type WorkflowIdentifier } from '../input/identifier.js';
import { migrateInputSchema, type AdoptInput, type MigrateInput } from '../input/input.js';
import { keptFields } from '../input/options.js';
import { streamOptionsOf } from '../input/stream-options.js';
import { tableNames, type Plan } from '../plan/plan.js';
import type { ShardStreams } from '../watch/stream.js';

const settingFields = ['source', 'target', 'dryRun', 'stopAfterCopy', 'complete', ...keptFields] as const;

/** What the lifecycle needs to know of a migration besides its plan. */
export type MigrationSettings = Pick<MigrateInput, (typeof settingFields)[number]>;

/** A migration that has been taken over: what it is, and where its life goes on. */
export interface Adoption {
  settings: MigrationSettings;
  tables: NameList;
  /** Tables that have left it, and those whose leaving was cut off; an answer of an earlier version has neither. */
  left?: NameList;
  leaving?: string[];
  /** `create`: its Create was cut off and is done again; `forward`: it is past the point of no return. */
  next: 'create' | 'copy' | 'forward';
}

/** The settings of an input. */
export function settingsOf(input: MigrateInput): MigrationSettings {
  return Object.fromEntries(settingFields.map((field) => [field, input[field]])) as unknown as MigrationSettings;
}

/** What is known of the target without the streams. */
export interface AdoptingTarget {
  sharded: boolean;
  cells: string[];
  shards: ShardFacts[];
}

/** Where the streams of a workflow come from, and what they write to. */
export interface StreamSource {
  mount: string;
  keyspace: string;
  shards: string[];
  tables: string[];
}

/**
 * The one source of a workflow's streams.
 * @throws MigrationError NOT_ADOPTABLE when it is no Migrate from one external cluster, or its tables cannot be named
 */
export function sourceOfStreams(id: WorkflowIdentifier, found: readonly ShardStreams[]): StreamSource {
  const place = { cluster: 'target', keyspace: id.keyspace };
  const shards = found.filter(({ streams }) => streams.length > 0);
  const streams = shards.flatMap((shard) => shard.streams);
  const refuse = (why: string, remedy: string) =>
    new MigrationError('NOT_ADOPTABLE', `${formatIdentifier(id)} ${why}`, place, remedy);
  const other = shards.find(
    ({ type, streams: rows }) => type !== 'Migrate' || rows.some((stream) => stream.externalCluster === ''),
  );
  if (other !== undefined)
    throw refuse(
      `is a ${other.type} workflow of this cluster, not a Migrate from an external one`,
      `finish it with vtctldclient ${other.type}`,
    );
  const sources = [...new Set(streams.map((stream) => `${stream.externalCluster}.${stream.sourceKeyspace}`))];
  const [first] = streams;
  if (sources.length !== 1 || first === undefined)
    throw refuse(`has streams from several sources: ${sources.join(', ')}`, 'finish it with the program that made it');
  const tables = [...new Set(streams.flatMap((stream) => stream.matches))].sort();
  if (tables.some((match) => match.startsWith('/')))
    throw refuse(
      'has streams whose tables are given by a regular expression',
      'finish it with the program that made it',
    );
  return {
    mount: first.externalCluster,
    keyspace: first.sourceKeyspace,
    shards: [...new Set(streams.map((stream) => stream.sourceShard))].sort(),
    tables,
  };
}

/**
 * The plan by which these streams might have been made.
 * @param sourceCells where to look for source tablets when the streams do not say it
 * @throws MigrationError NOT_ADOPTABLE
 */
export function planOfStreams(
  id: WorkflowIdentifier,
  target: AdoptingTarget,
  found: readonly ShardStreams[],
  sourceCells: string[],
): Plan {
  const source = sourceOfStreams(id, found);
  const shard = found.find(({ streams }) => streams.length > 0);
  if (shard === undefined) throw new Error('there are no streams');
  return {
    ...barePlan(id, target, source, shard.cells.length > 0 ? shard.cells : sourceCells),
    stream: shard.options,
  };
}

/** A plan with nothing but the places and the tables: enough to go forward, or back, by the journal. */
export function barePlan(id: WorkflowIdentifier, target: AdoptingTarget, source: StreamSource, cells: string[]): Plan {
  return {
    target: { ...id, ...target },
    source: {
      mount: source.mount,
      keyspace: source.keyspace,
      cells,
      shards: source.shards.map((name) => ({ name, keyRange: '' })),
    },
    // Unknown of streams that others made: then every source shard is expected on every target shard.
    sameVindexes: false,
    tables: source.tables.map((name) => ({ name, rows: 0, bytes: 0 })),
    missingTables: {},
    missingInVSchema: [],
    stream: streamOptionsOf(),
  };
}

/** The input the migration was begun with, or might have been, with what has been repeated. */
export function adoptedInput(request: AdoptInput, plan: Plan, known: MigrateInput | undefined): MigrateInput {
  const said = Object.fromEntries(
    keptFields.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])),
  );
  const { tabletTypes: types, ...stream } = plan.stream;
  const before =
    known ??
    migrateInputSchema.parse({
      source: request.source,
      target: request.target,
      ...(plan.tables.length === 0 ? { all: true } : { tables: tableNames(plan) }),
      ...(types.length === 0 ? {} : { tabletTypes: types }),
      ...stream,
    });
  return migrateInputSchema.parse({ ...before, ...said });
}

/** What the streams of a workflow are like, seen together. */
export interface StreamsFound {
  expected: number;
  found: number;
  /** True when a stream has begun to copy, or a table of the target has rows. */
  begun: boolean;
}

/**
 * Where Complete goes on. A Create that was cut off before anything was copied is done again.
 * @param repeatable whether it is known how Create was asked for
 * @throws MigrationError STREAMS_MISSING when streams have gone that had begun to copy
 */
export function nextStep(
  { expected, found, begun }: StreamsFound,
  autoStart: boolean,
  repeatable: boolean,
  place: Place,
): Adoption['next'] {
  const missing = found < expected;
  if (!begun && repeatable && (missing || autoStart)) return 'create';
  if (!missing) return 'copy';
  throw new MigrationError(
    'STREAMS_MISSING',
    `${found} of ${expected} streams are there`,
    place,
    'another program has deleted them: what they have copied can no longer be completed. ' +
      'Cancel the migration and create it again',
  );
}
