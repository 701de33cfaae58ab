import type { MigrateResult } from '../../src/migration/lifecycle/result.js';
import { isMount, isOfCompleted, leftBehind, unreadable } from '../support/fakes/judge.js';
import { sampleTables } from '../support/fakes/world.js';
import type { Simulation } from './run.js';

type Completed = Extract<MigrateResult, { outcome: 'completed' }>;

/** What is wrong with the end of a run: what it has left, and what it has not done. */
export function judge(simulation: Simulation, before: Record<string, string>): string[] {
  const { plan, world, result } = simulation;
  const completed = result?.outcome === 'completed' ? result : undefined;
  const unheard = completed === undefined && simulation.served;
  const isExpected = (key: string): boolean => {
    if (result?.outcome === 'planned') return false;
    if (unheard && (key.startsWith('source ') || isOfCompleted(plan.keyspace, key))) return true;
    if (isMount(key)) return plan.input['mount'] !== undefined;
    // Clients write to the source, or drop tables there.
    if (key === 'source load/0 tables')
      return plan.writers !== 'none' || simulation.dropped.size > 0 || completed?.sourceTables.done !== 'keep';
    if (completed === undefined) return false;
    if (completed.fenced && /^source (load\/0 denied|.*\/load\/shards\/0\/Shard$)/.test(key)) return true;
    return isOfCompleted(plan.keyspace, key);
  };
  const { promised, outcome } = simulation;
  return [
    ...(promised === undefined || promised === outcome || unheard
      ? []
      : [`was promised to be ${promised}, is ${outcome}`]),
    ...leftBehind(before, world.snapshot(), isExpected),
    ...(completed === undefined ? (unheard ? [] : untouched(simulation)) : asPromised(simulation, completed)),
  ];
}

/** The source has its tables, and nobody is kept from them. */
function untouched({ world, dropped }: Simulation): string[] {
  const there = sampleTables.filter((table) => !dropped.has(table));
  return [
    ...expecting('tables of the source', tablesOf(world), there),
    ...expecting('denied in the source', deniedIn(world), []),
  ];
}

function asPromised({ world, plan, dropped }: Simulation, result: Completed): string[] {
  const excluded = (plan.input['exclude'] as string[] | undefined) ?? [];
  const left = result.left?.names ?? [];
  const moved = sampleTables.filter((table) => !excluded.includes(table) && !left.includes(table));
  for (const table of [...excluded, ...left]) world.acknowledged.delete(table);
  const { done } = result.sourceTables;
  const stay = sampleTables.filter((table) => !dropped.has(table) && (done === 'keep' || !moved.includes(table)));
  const renamed = done === 'rename' ? moved.map((table) => `_${table}_old`) : [];
  return [
    ...expecting('tables of the result', result.tables.names, moved),
    ...unreadable(world, plan.keyspace),
    ...expecting('tables of the source', tablesOf(world), [...stay, ...renamed].sort()),
    ...expecting('denied in the source', deniedIn(world), result.fenced ? moved : []),
    ...[...excluded, ...left].flatMap((table) => copyLeft(world, plan, table)),
  ];
}

/** Of a table that has left, or was never moved, nothing stays that was not there before. */
function copyLeft({ target }: Simulation['world'], { keyspace, there }: Simulation['plan'], table: string): string[] {
  return target
    .shardsOf(keyspace)
    .flatMap(({ shard, tablet }) => [
      ...expecting(`${table} on ${shard}`, tablet.mysql.tables.has(table), there.includes(table)),
      ...expecting(`rows of ${table} on ${shard}`, tablet.mysql.tables.get(table)?.rows.size ?? 0, 0),
    ]);
}

function tablesOf(world: Simulation['world']): string[] {
  return [...world.sourceMysql.tables.keys()].sort();
}

function deniedIn({ source }: Simulation['world']): string[] {
  return source.shards.flatMap(({ tablet }) => tablet.denied).sort();
}

function expecting(what: string, is: unknown, wanted: unknown): string[] {
  return JSON.stringify(is) === JSON.stringify(wanted)
    ? []
    : [`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`];
}
