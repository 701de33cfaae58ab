import type { Source } from '../../effects/source/source.js';
import { tablesNamedIn } from '../../migration/checksum/ddl.js';
import { keyId, type Key } from '../../migration/checksum/scope.js';
import { containsPosition } from '../../migration/proof/position.js';
import type { TrackedTable } from './tables.js';

/** How much of the binary logs is read at once. */
const limits = { keys: 20_000, timeoutMs: 15_000 };

/** What has happened on the source since a position. */
export interface Happened {
  /** By source shard: everything up to here is in it. */
  positions: Record<string, string>;
  /** Nothing is missing up to where the source was when it was asked. */
  complete: boolean;
  /** By table: the keys of rows that have changed; none for a table without a key. */
  rows: Map<string, Map<string, Key>>;
  /** By table: the last DDL statement that names it. */
  statements: Map<string, string>;
}

/** @throws MigrationError when a shard cannot be read, for example because its binary logs have been purged */
export async function happenedSince(
  source: Source,
  from: Record<string, string>,
  tracked: ReadonlyMap<string, TrackedTable>,
): Promise<Happened> {
  const tables = [...tracked.values()].map(({ table }) => table);
  const happened: Happened = { positions: {}, complete: true, rows: new Map(), statements: new Map() };
  await Promise.all(
    source.shards.map(async (shard) => {
      const to = await source.position(shard);
      const changes = await source.changes(shard, tables, from[shard] ?? to, to, limits);
      happened.positions[shard] = changes.reached;
      happened.complete &&= containsPosition(changes.reached, to);
      for (const [table, keys] of changes.rows) addKeys(happened.rows, table, keys);
      for (const statement of changes.statements)
        for (const table of tablesNamedIn(statement, [...tracked.keys()])) happened.statements.set(table, statement);
    }),
  );
  return happened;
}

function addKeys(rows: Happened['rows'], table: string, keys: readonly Key[]): void {
  const known = rows.get(table) ?? new Map<string, Key>();
  for (const key of keys) known.set(keyId(key), key);
  rows.set(table, known);
}
