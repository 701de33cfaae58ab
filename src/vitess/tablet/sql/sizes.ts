import { quoteString, quoteStrings } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';
import type { NamedRow } from '../rows.js';
import { tablesByFile } from './file-names.js';

/** Estimates of rows and bytes by table name. */
export type TableSizes = Map<string, { rows: bigint; bytes: bigint }>;

/**
 * Current sizes of tables, as InnoDB counts them. Vitess reads `information_schema.tables`, whose statistics MySQL
 * keeps for a day; InnoDB's own counters change with every row. InnoDB has counters for open tables only, by
 * file name. The other tables, and those with letters that MySQL abbreviates in file names (accented ones,
 * mostly), get the stored statistics, which InnoDB renews about every ten seconds while a table grows.
 */
export async function readTableSizes(tablet: TabletConnection, tables: readonly string[]): Promise<TableSizes> {
  const sizes = await tablet.readAbout('sizes', tables, (all) => readSizes(tablet, all));
  return new Map(
    tables.flatMap((table) => {
      const size = sizes.get(table);
      return size === undefined ? [] : [[table, size]];
    }),
  );
}

async function readSizes(tablet: TabletConnection, tables: readonly string[]): Promise<TableSizes> {
  const files = tablesByFile(tablet.dbName, tables);
  const [counted, stored] = await Promise.all([
    selectNamed(
      tablet,
      [
        'select name as name, num_rows as n, clust_index_size * @@innodb_page_size as bytes',
        "from information_schema.innodb_tablestats where stats_initialized = 'Initialized' and name in",
      ],
      [...files.keys()],
    ),
    selectNamed(
      tablet,
      [
        'select table_name as name, n_rows as n, clustered_index_size * @@innodb_page_size as bytes',
        `from mysql.innodb_table_stats where database_name = ${quoteString(tablet.dbName)} and table_name in`,
      ],
      tables,
    ),
  ]);
  const sizes: TableSizes = new Map();
  for (const row of [...stored, ...counted]) {
    const name = row['name'] ?? '';
    sizes.set(files.get(name) ?? name, { rows: BigInt(row['n'] ?? 0), bytes: BigInt(row['bytes'] ?? 0) });
  }
  return sizes;
}

function selectNamed(
  tablet: TabletConnection,
  query: readonly string[],
  names: readonly string[],
): Promise<NamedRow[]> {
  return names.length === 0 ? Promise.resolve([]) : tablet.query(`${query.join(' ')} (${quoteStrings(names)})`);
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
