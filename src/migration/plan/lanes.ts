import { parseDefinition } from '../sql/table-definition.js';
import type { SourceTable } from './facts.js';
import type { Plan, PlannedTable } from './plan.js';

/**
 * A part of a migration's tables that is copied for itself, by a Vitess workflow of its own: Vitess copies the tables
 * of one workflow one after the other, and those of several at the same time.
 */
export interface Lane {
  /** The first lane has the name of the migration's workflow. */
  workflow: string;
  tables: PlannedTable[];
}

/** What lanes are read from: a plan, or as much of it as that takes. */
type Laned = Pick<Plan, 'tables'> & { target: Pick<Plan['target'], 'workflow'> };

/** The lanes of a plan that have tables, in order. A plan of an earlier version, or without tables, has one. */
export function lanesOf({ target, tables }: Laned): Lane[] {
  const byNumber = new Map<number, PlannedTable[]>();
  for (const table of tables) {
    const { lane = 1 } = table;
    const others = byNumber.get(lane);
    if (others === undefined) byNumber.set(lane, [table]);
    else others.push(table);
  }
  if (byNumber.size === 0) byNumber.set(1, []);
  return [...byNumber]
    .sort(([a], [b]) => a - b)
    .map(([number, its]) => ({ workflow: laneName(target.workflow, number), tables: its }));
}

/** The Vitess workflows that a plan's tables are copied by. */
export function workflowsOf(plan: Laned): string[] {
  return lanesOf(plan).map(({ workflow }) => workflow);
}

/** @param number from 1 */
function laneName(workflow: string, number: number): string {
  return number === 1 ? workflow : `${workflow}-lane${number}`;
}

/** Bytes that Vitess copies in the time that it needs for any table, however small: about a second. */
const bytesOfSmallTable = 16 * 1024 * 1024;

/** Where the plan chooses the lanes: the most that it makes, and how many small tables are worth one of them. */
const mostChosen = 8;
const worthOne = 4 * bytesOfSmallTable;
/** Streams of a migration for which one tablet is read, or written to, at the same time where the plan chooses. */
const streamsOfTablet = 16;

/** Tables that stay in one lane. */
interface Group {
  names: string[];
  /** Bytes, and for each table those that Vitess would copy in the time it needs besides. */
  size: number;
}

/**
 * Spreads tables over lanes, the largest first, each to the lane that has least: by table, the number of its lane.
 * Tables that a foreign key binds stay together, for a row may need the one it references.
 * @param asked how many lanes; undefined for as many as help and as the tablets can bear
 * @param shards of the larger side: so many streams of a lane one tablet may have
 * @returns fewer lanes than asked for when there are fewer tables that can be apart
 */
export function spreadTables(
  tables: readonly SourceTable[],
  asked: number | undefined,
  shards: number,
): Map<string, number> {
  if (asked === 1) return new Map(tables.map(({ name }) => [name, 1]));
  const groups = boundTogether(tables)
    .map((group): Group => ({
      names: group.map(({ name }) => name),
      size: group.reduce((sum, { bytes }) => sum + bytes + bytesOfSmallTable, 0),
    }))
    .sort((a, b) => b.size - a.size);
  const lanes = asked ?? lanesFor(groups, shards);
  const loads = Array.from({ length: Math.min(lanes, groups.length) }, () => 0);
  const chosen = new Map<string, number>();
  for (const { names, size } of groups) {
    const least = loads.indexOf(Math.min(...loads));
    loads[least] = (loads[least] ?? 0) + size;
    for (const name of names) chosen.set(name, least + 1);
  }
  return chosen;
}

/** @param groups the largest first: the copy takes as long as that, however many lanes there are */
function lanesFor(groups: readonly Group[], shards: number): number {
  const all = groups.reduce((sum, { size }) => sum + size, 0);
  const helpful = Math.ceil(all / Math.max(1, groups[0]?.size ?? 0));
  return Math.max(1, Math.min(mostChosen, Math.floor(all / worthOne), helpful, Math.floor(streamsOfTablet / shards)));
}

/** Groups of tables between which there is no foreign key. */
function boundTogether(tables: readonly SourceTable[]): SourceTable[][] {
  const groupOf = new Map(tables.map((table) => [table.name, [table]]));
  for (const { name, ddl } of tables) {
    for (const { references } of parseDefinition(ddl).foreignKeys) {
      const [own = [], other = []] = [groupOf.get(name), groupOf.get(references)];
      if (own === other || other.length === 0) continue;
      const [small, large] = own.length < other.length ? [own, other] : [other, own];
      large.push(...small);
      for (const table of small) groupOf.set(table.name, large);
    }
  }
  return [...new Set(groupOf.values())];
}
