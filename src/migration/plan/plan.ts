import type { PlanFacts, ShardFacts, SourceTable, VSchemaFacts } from './facts.js';
import type { MigrateInput } from '../input/input.js';
import { streamOptionsOf, type StreamOptions } from '../input/stream-options.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../input/identifier.js';
import type { Place } from '../problem/errors.js';
import { quoteName, quoteString } from '../sql/quote.js';
import { neededKeys } from './deferral.js';
import { isInternalTable } from './internal-table.js';
import { rangesEqual, rangesMeet } from './key-range.js';
import { lanesOf, spreadTables } from './lanes.js';
import { distributionOf, haveSameVindexes, tableType, type TableType, type VindexChoice } from './vindex.js';

/**
 * A table of the plan; `vindex` where its rows are distributed over the shards of the target, `type` where the entry
 * that Complete adds to the VSchema is that of a sequence or a reference table, as in the source.
 */
export interface PlannedTable {
  name: string;
  rows: number;
  bytes: number;
  vindex?: VindexChoice;
  type?: TableType;
  /** It is accepted that the copy rounds its FLOAT columns. */
  rounded?: boolean;
  /** The number of its lane, from 1; the first one without it. */
  lane?: number;
}

/** What will be done, as data: kept in the record beside the journal, complete enough for every activity. */
export interface Plan {
  target: { keyspace: string; workflow: string; sharded: boolean; cells: string[]; shards: ShardFacts[] };
  source: { mount: string; keyspace: string; cells: string[]; shards: ShardFacts[] };
  /**
   * True when a row has the same keyspace ID on both sides. Then a target shard reads only those source shards
   * whose key ranges meet its own.
   */
  sameVindexes: boolean;
  tables: PlannedTable[];
  /** Target tables that do not exist yet, by target shard. */
  missingTables: Record<string, string[]>;
  /** Tables that an unsharded target's VSchema gains at Complete. */
  missingInVSchema: string[];
  /** The tables of the target have none of the source's foreign keys; no column of theirs is AUTO_INCREMENT. */
  dropForeignKeys?: boolean;
  removeAutoIncrement?: boolean;
  /** What Vitess stores with each stream: as it was asked for, but for keys that cannot be deferred. */
  stream: StreamOptions;
}

/** Names of the plan's tables, in order. */
export function tableNames(plan: Plan): string[] {
  return plan.tables.map((table) => table.name);
}

/** How many streams the migration has in all, or on one target shard. */
export function expectedStreams(plan: Plan, targetShard?: string): number {
  const shards = plan.target.shards.filter(({ name }) => targetShard === undefined || name === targetShard);
  const pairs = shards.reduce((sum, shard) => sum + sourcesOf(plan, shard).length, 0);
  return pairs * lanesOf(plan).length;
}

/** A place in the target keyspace of the plan. */
export function targetPlace(plan: Plan, more: Omit<Place, 'cluster' | 'keyspace'> = {}): Place {
  return { cluster: 'target', keyspace: plan.target.keyspace, ...more };
}

/** One stream as Vitess stores it: a source shard and a rule for every table of its lane. */
export interface PlannedStream {
  /** The Vitess workflow of its lane. */
  workflow: string;
  sourceShard: string;
  /** It takes some of the source shard's rows, so that a row may come to it, or leave it, with a change. */
  filtered: boolean;
  rules: { match: string; filter: string }[];
}

/**
 * Makes the plan from what was asked and read. Every fact has a plan, even one that cannot work: the checks
 * say why not. Follows `moveTablesCreate` and `materializer` of Vitess; docs/adr says where and why it differs.
 */
export function makePlan(input: MigrateInput, facts: PlanFacts): Plan {
  const from = parseSourceIdentifier(input.source);
  const to = parseWorkflowIdentifier(input.target);
  const { sourceVSchema, targetVSchema, targetShards, targetTables } = facts;
  const chosen = chosenTables(input, facts);
  const lanes = spreadTables(chosen, input.lanes, Math.max(targetShards.length, facts.sourceShards.length));
  const tables = chosen.map(({ name, rows, bytes }): PlannedTable => {
    const lane = lanes.get(name) ?? 1;
    const planned = {
      ...{ name, rows, bytes },
      ...(isRounded(input, name) ? { rounded: true } : {}),
      ...(lane === 1 ? {} : { lane }),
    };
    if (!targetVSchema.sharded) return { ...planned, ...typeOf(sourceVSchema, name) };
    const distribution = distributionOf(name, sourceVSchema, targetVSchema, from.keyspace);
    return distribution.by === 'vindex' ? { ...planned, vindex: distribution.vindex } : planned;
  });
  const names = tables.map((table) => table.name);
  const there = new Map(targetTables.map((shard) => [shard.shard, new Set(shard.tables)]));
  return {
    target: {
      ...to,
      sharded: targetVSchema.sharded,
      cells: facts.targetCells,
      shards: targetShards.map(toShardFacts),
    },
    source: { ...from, cells: chosenCells(input, facts), shards: facts.sourceShards.map(toShardFacts) },
    sameVindexes: haveSameVindexes(names, sourceVSchema, targetVSchema),
    tables,
    missingTables: Object.fromEntries(
      targetShards.map((shard) => [shard.name, names.filter((name) => there.get(shard.name)?.has(name) !== true)]),
    ),
    missingInVSchema: targetVSchema.sharded ? [] : names.filter((name) => !Object.hasOwn(targetVSchema.tables, name)),
    ...omissions(input, targetVSchema),
    stream: streamOptions(input, chosen),
  };
}

/** What the target's tables are to lack: where it is sharded, each shard would count for itself. */
export function omissions(
  { dropForeignKeys, shardedAutoIncrementHandling }: MigrateInput,
  { sharded }: VSchemaFacts,
): Pick<Plan, 'dropForeignKeys' | 'removeAutoIncrement'> {
  return {
    ...(dropForeignKeys ? { dropForeignKeys } : {}),
    ...(sharded && shardedAutoIncrementHandling === 'REMOVE' ? { removeAutoIncrement: true } : {}),
  };
}

/** Deferral is a setting of a stream, so that one key which cannot be deferred is enough to keep them all. */
function streamOptions(input: MigrateInput, tables: readonly SourceTable[]): StreamOptions {
  const options = streamOptionsOf(input);
  return { ...options, deferSecondaryKeys: options.deferSecondaryKeys && neededKeys(tables).length === 0 };
}

/** The loss of digits is accepted by the name of the check that finds it. */
function isRounded({ accept, repairFloats }: MigrateInput, table: string): boolean {
  return accept.includes('float-column') && !repairFloats.includes(table);
}

/**
 * The streams of one target shard: in each lane one for every source shard that can have rows of it (Vitess's
 * `filterSourceShards`), with a rule for every table of the lane.
 */
export function streamsOf(plan: Plan, targetShard: ShardFacts): PlannedStream[] {
  const sources = sourcesOf(plan, targetShard);
  const [only] = sources;
  // Every row of an only source shard with the same range belongs to the target shard.
  const filtered = only === undefined || sources.length > 1 || !rangesEqual(only.keyRange, targetShard.keyRange);
  return lanesOf(plan).flatMap(({ workflow, tables }) => {
    const rules = tables.map((table) => ({
      match: table.name,
      filter: filtered ? filterOf(table, targetShard.keyRange) : selectAll(table),
    }));
    return sources.map((shard) => ({ workflow, sourceShard: shard.name, filtered, rules }));
  });
}

/** The source shards that can have rows of a target shard. */
function sourcesOf({ source, sameVindexes }: Plan, { keyRange }: ShardFacts): ShardFacts[] {
  return source.shards.filter((shard) => !sameVindexes || rangesMeet(shard.keyRange, keyRange));
}

function filterOf(table: PlannedTable, keyRange: string): string {
  if (table.vindex === undefined) return selectAll(table);
  const args = [...table.vindex.columns.map(quoteName), quoteString(table.vindex.name), quoteString(keyRange)];
  return `${selectAll(table)} where in_keyrange(${args.join(', ')})`;
}

function selectAll(table: PlannedTable): string {
  return `select * from ${quoteName(table.name)}`;
}

/** Vitess's internal tables of the source, none of which is moved. */
export function internalTables(facts: Pick<PlanFacts, 'sourceSchemas'>): string[] {
  return [...sourceTables(facts).keys()].filter(isInternalTable);
}

/** Every table of the source by name, with the estimates of all shards added up. */
export function sourceTables({ sourceSchemas }: Pick<PlanFacts, 'sourceSchemas'>): Map<string, SourceTable> {
  const known = new Map<string, SourceTable>();
  for (const table of sourceSchemas.flatMap(({ tables }) => tables)) {
    const { rows = 0, bytes = 0 } = known.get(table.name) ?? {};
    known.set(table.name, { ...table, rows: rows + table.rows, bytes: bytes + table.bytes });
  }
  return known;
}

function chosenTables(input: MigrateInput, facts: PlanFacts): SourceTable[] {
  const known = sourceTables(facts);
  const excluded = new Set(input.exclude);
  const wanted = new Set(input.tables ?? [...known.keys()].filter((name) => !isInternalTable(name)));
  return [...wanted].filter((name) => !excluded.has(name)).flatMap((name) => known.get(name) ?? []);
}

function typeOf(vschema: VSchemaFacts, table: string): Pick<PlannedTable, 'type'> {
  const type = tableType(vschema, table);
  return type === '' ? {} : { type };
}

/** True for a tablet that streams may read from: of a chosen type, in a chosen cell. */
export function isEligible(input: MigrateInput, tablet: { cell: string; type: string }): boolean {
  return (
    input.tabletTypes.some((type) => type === tablet.type) &&
    (input.cells === undefined || input.cells.includes(tablet.cell))
  );
}

/** Without cells of its own choosing, a stream may read in every cell that has an eligible tablet. */
function chosenCells(input: MigrateInput, { sourceCells, sourceTablets }: PlanFacts): string[] {
  if (input.cells !== undefined) return input.cells;
  if (input.allCells) return sourceCells;
  return [...new Set(sourceTablets.filter((tablet) => isEligible(input, tablet)).map(({ cell }) => cell))].sort();
}

/**
 * What is said of a table that another workflow holds.
 * @param holder in words, where it is known
 */
export function heldTable(
  table: string,
  holder: string | undefined,
  keyspace: string,
): { message: string; remedy: string } {
  const name = quoteName(table);
  if (holder !== undefined)
    return {
      message: `table ${name} is held ${holder}`,
      remedy: 'complete or cancel that one first, or leave the table out with -exclude',
    };
  return {
    message: `table ${name} is in the denied tables already, and no journal or stream shows what holds it`,
    remedy: `list what was left behind, and remove it: vtmigrate Audit ${keyspace}`,
  };
}

function toShardFacts({ name, keyRange }: ShardFacts): ShardFacts {
  return { name, keyRange };
}
