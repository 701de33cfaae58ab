import { isFloat } from '../checksum/columns.js';
import type { VSchemaFacts } from '../plan/facts.js';
import { sourceTables, tableNames, type Plan } from '../plan/plan.js';
import type { ColumnFacts, KeyFacts, TableFacts } from '../plan/table-facts.js';
import { primaryVindex } from '../plan/vindex.js';
import type { Place } from '../problem/errors.js';
import { parseDefinition, type TableDefinition } from '../sql/table-definition.js';
import type { Facts, JournalFacts } from './facts.js';

/** Every planned table once, from the first shard that has it. `source-schema-differs` compares the shards. */
export function tablesOf(shards: Facts['sourceDetails']): TableFacts[] {
  return [...new Map(shards.toReversed().flatMap(({ tables }) => tables.map((table) => [table.name, table]))).values()];
}

/** The source's definition of every planned table. */
export function definitionsOf(
  plan: Plan,
  sourceSchemas: Facts['sourceSchemas'],
): { name: string; definition: TableDefinition }[] {
  const known = sourceTables({ sourceSchemas });
  return tableNames(plan).map((name) => ({ name, definition: parseDefinition(known.get(name)?.ddl ?? '') }));
}

/** Names of a table's FLOAT columns. */
export function floatColumns({ columns }: TableFacts): string[] {
  return columns.filter(isFloat).map(({ name }) => name);
}

/** The keys that tell any two rows of a table apart. */
export function tellingKeys({ uniqueKeys }: TableFacts): KeyFacts[] {
  return uniqueKeys.filter(({ name, notNull }) => name === 'PRIMARY' || notNull);
}

/** The charset of a column; empty when it holds no text. */
export function charsetOf({ collation }: ColumnFacts): string {
  return collation.split('_')[0] ?? '';
}

/** Charsets in which no letter has the bytes that it has in UTF-8. */
export const wideCharsets: readonly string[] = ['ucs2', 'utf16', 'utf16le', 'utf32'];

/** Vindexes of Vitess 24 that hash the text of a value; others take it as a number. */
const ofText = ['binary', 'binary_md5', 'cfc', 'unicode_loose_md5', 'unicode_loose_xxhash', 'xxhash'];

/** The name of a table's primary vindex, and the columns of which it hashes the text. */
export function textVindex(table: TableFacts, vschema: VSchemaFacts): { name: string; columns: ColumnFacts[] } {
  const primary = vschema.sharded ? primaryVindex(vschema, table.name) : undefined;
  const { type = '', params = {} } = vschema.vindexes[primary?.name ?? ''] ?? {};
  const types = type === 'multicol' ? (params['column_vindex'] ?? '').split(',') : [type];
  const taken = primary?.columns.filter((_, n) => ofText.includes(types[n] ?? '')) ?? [];
  const lower = taken.map((column) => column.toLowerCase());
  return { name: primary?.name ?? '', columns: table.columns.filter(({ name }) => lower.includes(name.toLowerCase())) };
}

/** A place in the source keyspace of the plan. */
export function sourcePlace(plan: Plan, more: Omit<Place, 'cluster' | 'keyspace'> = {}): Place {
  return { cluster: plan.source.mount, keyspace: plan.source.keyspace, ...more };
}

/** The journal of the migration itself, when this very run has begun it. */
export function ownJournal({ request, journals }: Pick<Facts, 'request' | 'journals'>): JournalFacts | undefined {
  return journals.find(({ workflow, runId }) => workflow === request.target.workflow && runId === request.runId);
}
