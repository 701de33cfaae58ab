import { createHash } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { quoteName } from '../../../src/migration/sql/quote.js';
import { vtgateOf } from './lab.js';

/** A table's rows as a multiset: how many there are, and a hash of all of them in sorted order. */
export interface TableContents {
  count: number;
  hash: string;
}

/** Reads every row of a table through a cluster's vtgate, each column's bytes as MySQL sends them. */
export async function contents(cluster: 'source' | 'target', keyspace: string, table: string): Promise<TableContents> {
  const connection = await vtgateOf(cluster);
  try {
    const [rows] = await connection.query<RowDataPacket[][]>({
      sql: `select * from ${quoteName(keyspace)}.${quoteName(table)}`,
      rowsAsArray: true,
      typeCast: (field) => field.buffer()?.toString('hex') ?? null,
    });
    const lines = rows.map((row) => JSON.stringify(row)).sort();
    return { count: lines.length, hash: createHash('sha256').update(lines.join('\n')).digest('hex') };
  } finally {
    await connection.end();
  }
}

/** The contents of several tables, by name. */
export async function contentsOf(
  cluster: 'source' | 'target',
  keyspace: string,
  tables: readonly string[],
): Promise<Record<string, TableContents>> {
  const all: Record<string, TableContents> = {};
  for (const table of tables) all[table] = await contents(cluster, keyspace, table);
  return all;
}
