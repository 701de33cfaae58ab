import { quoteStrings } from '../../migration/quote.js';
import type { Tablet } from './tablet.js';

/** Estimates of rows and bytes by table name. */
export type TableSizes = Map<string, { rows: bigint; bytes: bigint }>;

/**
 * How large tables are now, as InnoDB itself counts them. `information_schema.tables`, which
 * Vitess asks, shows statistics that MySQL keeps for a day; these counters move with every row.
 */
export async function readTableSizes(tablet: Tablet, tables: readonly string[]): Promise<TableSizes> {
  const names = new Map(tables.map((table) => [`${encodeFileName(tablet.dbName)}/${encodeFileName(table)}`, table]));
  const sizes: TableSizes = new Map();
  if (names.size === 0) return sizes;
  const rows = await tablet.query(
    `select name, num_rows, clust_index_size * @@innodb_page_size as bytes from information_schema.innodb_tablestats where name in (${quoteStrings([...names.keys()])})`,
  );
  for (const row of rows) {
    const table = names.get(row['name'] ?? row['NAME'] ?? '');
    if (table !== undefined) sizes.set(table, { rows: BigInt(row['num_rows'] ?? row['NUM_ROWS'] ?? 0), bytes: BigInt(row['bytes'] ?? 0) });
  }
  return sizes;
}

/** The sums over several shards. */
export function sumSizes(all: readonly TableSizes[]): TableSizes {
  const sums: TableSizes = new Map();
  for (const [table, size] of all.flatMap((sizes) => [...sizes])) {
    const sum = sums.get(table) ?? { rows: 0n, bytes: 0n };
    sums.set(table, { rows: sum.rows + size.rows, bytes: sum.bytes + size.bytes });
  }
  return sums;
}

/**
 * MySQL's file name for an identifier, which is what InnoDB calls a table: letters, digits and
 * `_` stand for themselves, every other character is `@` and its code in four hex digits.
 */
function encodeFileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/gu, (char) => `@${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
