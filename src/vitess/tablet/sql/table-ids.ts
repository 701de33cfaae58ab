import { quoteString } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';
import { tablesByFile } from './file-names.js';

/** Milliseconds. */
const timeout = 10_000;

/** What InnoDB calls the tables of one MySQL. An ID means nothing to another one. */
export interface TableIds {
  /** `server_uuid` */
  server: string;
  /**
   * By table: the IDs of its partitions, or its own. TRUNCATE, RENAME, DROP and CREATE, and each ALTER that builds a
   * table anew, change it; writes do not.
   */
  ids: Map<string, string>;
}

/** Tables whose names have letters that MySQL abbreviates in file names are left out. */
export async function readTableIds(tablet: TabletConnection, tables: readonly string[]): Promise<TableIds> {
  const files = tablesByFile(tablet.dbName, tables);
  const [first = ''] = files.keys();
  const folder = first.slice(0, first.indexOf('/') + 1);
  const rows = await tablet.select(
    'select @@server_uuid as server, name as name, table_id as id from information_schema.innodb_tables ' +
      `where left(name, ${folder.length}) = ${quoteString(folder)}`,
    timeout,
  );
  const found = new Map<string, string[]>();
  for (const row of rows) {
    const table = files.get(withoutPartition(row['name'] ?? ''));
    if (table !== undefined) found.set(table, [...(found.get(table) ?? []), row['id'] ?? '']);
  }
  return {
    server: rows[0]?.['server'] ?? '',
    ids: new Map([...found].map(([table, ids]) => [table, ids.sort().join()])),
  };
}

/** `vt_load/parts` of `vt_load/parts#p#p0#sp#s1`: `#` in a table's own name is `@0023`. */
function withoutPartition(name: string): string {
  return name.replace(/#p#.*$/i, '');
}
