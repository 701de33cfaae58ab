import type { Plan } from '../plan/plan.js';
import type { Place } from '../problem/errors.js';
import type { Facts, JournalFacts, TableFacts } from './facts.js';

/** Every planned table once, from the first shard that has it. `source-schema-differs` compares the shards. */
export function tablesOf(shards: Facts['sourceDetails']): TableFacts[] {
  return [...new Map(shards.toReversed().flatMap(({ tables }) => tables.map((table) => [table.name, table]))).values()];
}

/** Names of a table's FLOAT columns; DOUBLE is another type. */
export function floatColumns({ columns }: TableFacts): string[] {
  return columns.filter(({ type }) => /^float\b/i.test(type)).map(({ name }) => name);
}

/** A place in the source keyspace of the plan. */
export function sourcePlace(plan: Plan, more: Omit<Place, 'cluster' | 'keyspace'> = {}): Place {
  return { cluster: plan.source.mount, keyspace: plan.source.keyspace, ...more };
}

/** The journal of the migration itself, when this very run has begun it. */
export function ownJournal({ request, journals }: Pick<Facts, 'request' | 'journals'>): JournalFacts | undefined {
  return journals.find(({ workflow, runId }) => workflow === request.target.workflow && runId === request.runId);
}
