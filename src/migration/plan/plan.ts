import type { ShardFacts, SourceFacts, SourceTable, TargetFacts } from './facts.js';
import type { MigrateInput } from '../input/input.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../input/identifier.js';
import type { Place } from '../problem/errors.js';
import { finding, type Finding } from '../problem/finding.js';
import { quoteName, quoteString } from '../sql/quote.js';
import { chooseVindex, type VindexChoice } from './vindex.js';

/** A table of the plan; `vindex` only where the stream must filter by key range. */
export interface PlannedTable {
  name: string;
  rows: number;
  bytes: number;
  vindex?: VindexChoice;
}

/** What will be done, as data: kept in the record beside the journal, complete enough for every activity. */
export interface Plan {
  target: { keyspace: string; workflow: string; sharded: boolean; cells: string[]; shards: ShardFacts[] };
  source: { mount: string; keyspace: string; cells: string[]; shards: ShardFacts[] };
  tables: PlannedTable[];
  /** Target tables that do not exist yet, by target shard. */
  missingTables: Record<string, string[]>;
  /** Tables that an unsharded target's VSchema gains at Complete. */
  missingInVSchema: string[];
  stream: StreamOptions;
}

/** What Vitess stores with each stream, as it was asked for. */
export type StreamOptions = Pick<MigrateInput, (typeof streamFields)[number]>;

const streamFields = [
  'tabletTypes',
  'tabletTypesInPreferenceOrder',
  'autoStart',
  'stopAfterCopy',
  'deferSecondaryKeys',
  'onDdl',
] as const;

/** The stream options of an input. */
export function streamOptionsOf(input: MigrateInput): StreamOptions {
  return Object.fromEntries(streamFields.map((field) => [field, input[field]])) as unknown as StreamOptions;
}

/** Names of the plan's tables, in order. */
export function tableNames(plan: Plan): string[] {
  return plan.tables.map((table) => table.name);
}

/** How many streams the workflow has in all, or on one target shard. */
export function expectedStreams(plan: Plan, targetShard?: string): number {
  const shards = plan.target.shards.filter(({ name }) => targetShard === undefined || name === targetShard);
  return shards.reduce((sum, shard) => sum + streamsOf(plan, shard).length, 0);
}

/** A place in the target keyspace of the plan. */
export function targetPlace(plan: Plan, more: Omit<Place, 'cluster' | 'keyspace'> = {}): Place {
  return { cluster: 'target', keyspace: plan.target.keyspace, ...more };
}

/** What a person reads before deciding: the definitions of new tables and every key of the topology that is written. */
export interface PlanDetails {
  /** By table; those that fit into a history. */
  ddl: Record<string, string>;
  topologyWrites: string[];
}

/** One stream as Vitess stores it: a source shard and a rule for every table. */
export interface PlannedStream {
  sourceShard: string;
  rules: { match: string; filter: string }[];
}

/**
 * Turns what was asked and what was read into a plan, or into every reason why there is none.
 * Follows `moveTablesCreate` and `materializer` of Vitess; docs/adr tells where and why it differs.
 */
export function makePlan(
  input: MigrateInput,
  source: SourceFacts,
  target: TargetFacts,
): { plan: Plan; problems: Finding[] } {
  const from = parseSourceIdentifier(input.source);
  const to = parseWorkflowIdentifier(input.target);
  const problems: Finding[] = [];
  const sourcePlace = { cluster: from.mount, keyspace: from.keyspace };

  const names = chooseTables(input, source, sourcePlace, problems);
  const cells = chooseCells(input, source, sourcePlace, problems);
  const wholeRange =
    target.shards.length === 1 &&
    source.shards.length === 1 &&
    isWholeRange(target.shards[0]) &&
    isWholeRange(source.shards[0]);
  const tables = names.map((table): PlannedTable => {
    const planned: PlannedTable = { name: table.name, rows: table.rows, bytes: table.bytes };
    if (!target.vschema.sharded) return planned;
    const choice = chooseVindex(table.name, source.vschema, target.vschema, {
      source: from,
      targetKeyspace: to.keyspace,
    });
    if ('problem' in choice) problems.push(choice.problem);
    else if (choice.vindex !== undefined && !wholeRange) planned.vindex = choice.vindex;
    return planned;
  });
  checkTarget(names, target, to, problems);

  const missing = (shard: TargetFacts['shards'][number]) =>
    names.map((t) => t.name).filter((name) => !shard.tables.includes(name));
  const plan: Plan = {
    target: { ...to, sharded: target.vschema.sharded, cells: target.cells, shards: target.shards.map(bare) },
    source: { ...from, cells, shards: source.shards.map(bare) },
    tables,
    missingTables: Object.fromEntries(target.shards.map((shard) => [shard.name, missing(shard)])),
    missingInVSchema: target.vschema.sharded
      ? []
      : names.map((t) => t.name).filter((name) => !Object.hasOwn(target.vschema.tables, name)),
    stream: streamOptionsOf(input),
  };
  return { plan, problems };
}

/** The streams of one target shard: one for every source shard, each with a rule for every table. */
export function streamsOf(plan: Plan, targetShard: ShardFacts): PlannedStream[] {
  const rules = plan.tables.map((table) => ({ match: table.name, filter: filterOf(table, targetShard.keyRange) }));
  return plan.source.shards.map((shard) => ({ sourceShard: shard.name, rules }));
}

function filterOf(table: PlannedTable, keyRange: string): string {
  const select = `select * from ${quoteName(table.name)}`;
  if (table.vindex === undefined) return select;
  const args = [...table.vindex.columns.map(quoteName), quoteString(table.vindex.name), quoteString(keyRange)];
  return `${select} where in_keyrange(${args.join(', ')})`;
}

function chooseTables(
  input: MigrateInput,
  source: SourceFacts,
  place: Finding['place'],
  problems: Finding[],
): SourceTable[] {
  const known = new Map(source.tables.map((table) => [table.name, table]));
  const named = [...(input.tables ?? []), ...input.exclude];
  const unknown = [...new Set(named.filter((name) => !known.has(name)))];
  for (const table of unknown) {
    problems.push(
      finding(
        'table-exists',
        `table ${quoteName(table)} does not exist`,
        { ...place, table },
        suggest(table, [...known.keys()]),
        'TABLE_NOT_FOUND',
      ),
    );
  }
  const wanted = input.tables ?? [...known.keys()];
  const chosen = [...new Set(wanted)]
    .filter((name) => !input.exclude.includes(name))
    .flatMap((name) => known.get(name) ?? []);
  if (chosen.length === 0 && unknown.length === 0) {
    problems.push(
      finding(
        'no-tables',
        'there is no table to move',
        place,
        'check the keyspace of -source, -tables and -exclude',
        'NO_TABLES',
      ),
    );
  }
  return chosen;
}

function suggest(name: string, known: string[]): string {
  const close = known.find((other) => other.toLowerCase() === name.toLowerCase());
  if (close !== undefined) return `did you mean ${close}? Table names are case sensitive`;
  const shown = known.slice(0, 10).join(', ');
  return known.length === 0
    ? 'the keyspace has no tables'
    : `the keyspace has ${shown}${known.length > 10 ? ` and ${known.length - 10} more` : ''}`;
}

/** Without cells of its own choosing, a stream may read in every cell that has a fitting tablet. */
function chooseCells(input: MigrateInput, source: SourceFacts, place: Finding['place'], problems: Finding[]): string[] {
  for (const cell of input.cells ?? []) {
    if (source.cells.includes(cell)) continue;
    problems.push(
      finding(
        'cell-exists',
        `the source has no cell ${cell}`,
        { ...place, cell },
        `its cells are ${source.cells.join(', ')}; cells are those of the source, not of the target`,
        'CELL_NOT_FOUND',
      ),
    );
  }
  const fits = (tablet: { cell: string; type: string }) =>
    input.tabletTypes.some((type) => type === tablet.type) &&
    (input.cells === undefined || input.cells.includes(tablet.cell));
  for (const shard of source.shards) {
    if (shard.tablets.some(fits)) continue;
    const what = `no tablet of type ${input.tabletTypes.join(' or ')}${input.cells === undefined ? '' : ` in cell ${input.cells.join(' or ')}`}`;
    const there = shard.tablets.map((t) => `${t.type} in ${t.cell}`).join(', ') || 'no tablets';
    problems.push(
      finding(
        'source-tablet',
        what,
        { ...place, shard: shard.name },
        `the shard has ${there}; choose -tablet_types and -cells that fit`,
        'NO_SOURCE_TABLET',
      ),
    );
  }
  if (input.cells !== undefined) return input.cells;
  return [...new Set(source.shards.flatMap((shard) => shard.tablets.filter(fits).map((tablet) => tablet.cell)))].sort();
}

function checkTarget(
  names: SourceTable[],
  target: TargetFacts,
  to: { keyspace: string; workflow: string },
  problems: Finding[],
): void {
  for (const shard of target.shards) {
    const place = { cluster: 'target', keyspace: to.keyspace, shard: shard.name };
    if (shard.hasWorkflow) {
      problems.push(
        finding(
          'workflow-name',
          `a workflow named ${to.workflow} already exists`,
          place,
          'choose another name, or finish that workflow with the program that made it',
          'WORKFLOW_EXISTS',
        ),
      );
    }
    for (const { name: table } of names) {
      if (shard.nonEmptyTables.includes(table)) {
        problems.push(
          finding(
            'target-table-empty',
            `table ${quoteName(table)} has rows`,
            { ...place, table },
            'empty or drop it, or leave it out with -exclude',
            'TARGET_TABLE_NOT_EMPTY',
          ),
        );
      }
      if (shard.deniedTables.includes(table)) {
        const { message, remedy } = heldTable(table, shard.holders?.[table], to.keyspace);
        problems.push(finding('table-denied', message, { ...place, table }, remedy, 'TABLE_DENIED'));
      }
    }
  }
}

/** What is said of a table that others hold. @param holder who, in words, where it is known */
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
    message: `table ${name} is in the denied tables already, and neither a journal nor a stream says who holds it`,
    remedy: `look at what was left behind and remove it: vtmigrate Audit ${keyspace}`,
  };
}

function isWholeRange(shard: ShardFacts | undefined): boolean {
  return shard !== undefined && (shard.keyRange === '' || shard.keyRange === '-');
}

function bare(shard: ShardFacts): ShardFacts {
  return { name: shard.name, keyRange: shard.keyRange };
}
