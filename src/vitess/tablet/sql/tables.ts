import type {
  ColumnFacts,
  ConstraintFacts,
  ForeignKeyFacts,
  KeyFacts,
  TableFacts,
} from '../../../migration/plan/table-facts.js';
import { quoteName, quoteString, quoteStrings } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';
import type { NamedRow } from '../rows.js';
import { inBatches } from './batches.js';

/** A table's name, and the one that it gets. */
export type Renaming = readonly [from: string, to: string];

/** Tables in one query: their columns stay far below the 100,000 rows at which a tablet refuses. */
const detailsAtOnce = 400;
/** Tables in one query that opens each of them. */
const opensAtOnce = 100;

export async function readTableNames(tablet: TabletConnection): Promise<string[]> {
  const rows = await tablet.select(
    [
      'select table_name as name from information_schema.tables',
      `where table_schema = ${quoteString(tablet.dbName)} and table_type = 'BASE TABLE'`,
    ].join(' '),
  );
  return rows.flatMap((row) => row['name'] ?? []).sort((a, b) => (a < b ? -1 : 1));
}

export async function readViews(tablet: TabletConnection): Promise<string[]> {
  const rows = await tablet.select(
    [
      'select table_name as name from information_schema.views',
      `where table_schema = ${quoteString(tablet.dbName)} order by 1`,
    ].join(' '),
  );
  return rows.flatMap((row) => row['name'] ?? []);
}

export async function readConstraints(tablet: TabletConnection): Promise<ConstraintFacts[]> {
  const rows = await tablet.select(
    [
      'select table_name as t, constraint_name as name, constraint_type as type',
      `from information_schema.table_constraints where constraint_schema = ${quoteString(tablet.dbName)}`,
      "and constraint_type in ('CHECK', 'FOREIGN KEY') order by 1, 2",
    ].join(' '),
  );
  return rows.map((row) => ({
    table: row['t'] ?? '',
    name: row['name'] ?? '',
    type: row['type'] === 'CHECK' ? 'CHECK' : 'FOREIGN KEY',
  }));
}

/** One row for each table that has one, with the table's number in the batch. */
export function readNonEmptyTables(tablet: TabletConnection, tables: readonly string[]): Promise<string[]> {
  return inBatches(tables, opensAtOnce, async (batch) => {
    const rows = await tablet.select(
      batch
        .map((table, n) => `select ${n} as n from dual where exists (select 1 from ${quoteName(table)})`)
        .join(' union all '),
    );
    const found = new Set(rows.map((row) => Number(row['n'])));
    return batch.filter((_, n) => found.has(n));
  });
}

/** @param load as in `alter`: without it, the tablet does not know of it until `reloadSchema` */
export async function renameTables(
  tablet: TabletConnection,
  names: readonly Renaming[],
  { load }: { load: boolean },
): Promise<void> {
  if (names.length === 0) return;
  const list = names.map(([from, to]) => `${quoteName(from)} to ${quoteName(to)}`);
  await tablet.alter(`rename table ${list.join(', ')}`, { load });
}

export async function dropTable(tablet: TabletConnection, table: string): Promise<void> {
  await tablet.alter(dropping([table]), { load: true });
}

/** The tablet does not know of it until `reloadSchema`. */
export async function dropTables(tablet: TabletConnection, names: readonly string[]): Promise<void> {
  if (names.length > 0) await tablet.alter(dropping(names), { load: false });
}

function dropping(names: readonly string[]): string {
  return `drop table if exists ${names.map(quoteName).join(', ')}`;
}

/** The tablet does not load the table, which is a new one to MySQL, until `reloadSchema`. */
export async function emptyTable(tablet: TabletConnection, table: string): Promise<void> {
  await tablet.alter(`truncate table ${quoteName(table)}`, { load: false });
}

/** Columns, unique keys, foreign keys and triggers of base tables, in the order of `names`. */
export function readTableDetails(tablet: TabletConnection, names: readonly string[]): Promise<TableFacts[]> {
  return inBatches(names, detailsAtOnce, async (batch) => {
    const read = (all: readonly string[]) => readSome(tablet, all);
    const details = await tablet.readAbout('table details', batch, read, detailsAtOnce);
    return batch.flatMap((name) => details.get(name) ?? []);
  });
}

async function readSome(tablet: TabletConnection, names: readonly string[]): Promise<Map<string, TableFacts>> {
  const [tables, columns, keys, foreignKeys, triggers] = await Promise.all(
    detailQueries(quoteString(tablet.dbName), quoteStrings(names)).map((sql) => tablet.query(sql)),
  );
  const [columnsOf, keysOf] = [byTable(columns), byTable(keys)];
  const [foreignKeysOf, triggersOf] = [byTable(foreignKeys), byTable(triggers)];
  const engines = new Map(tables?.map((row) => [row['t'] ?? '', row['engine'] ?? '']));
  const details = names
    .filter((name) => engines.has(name))
    .map((name) => ({
      name,
      engine: engines.get(name) ?? '',
      columns: columnsOf(name).map(column),
      uniqueKeys: uniqueKeys(keysOf(name)),
      foreignKeys: foreignKeysOf(name).map(foreignKey),
      triggers: triggersOf(name).flatMap((row) => row['name'] ?? []),
    }));
  return new Map(details.map((each) => [each.name, each]));
}

/** The rows of each table, by their column `t`. */
function byTable(rows: readonly NamedRow[] = []): (table: string) => NamedRow[] {
  const known = new Map<string, NamedRow[]>();
  for (const row of rows) {
    const table = row['t'] ?? '';
    const others = known.get(table);
    if (others === undefined) known.set(table, [row]);
    else others.push(row);
  }
  return (table) => known.get(table) ?? [];
}

/** Tables, columns, unique keys, foreign keys, triggers. */
function detailQueries(db: string, names: string): string[] {
  return [
    [
      'select table_name as t, engine as engine from information_schema.tables',
      `where table_schema = ${db} and table_type = 'BASE TABLE' and table_name in (${names})`,
    ],
    [
      'select table_name as t, column_name as name, column_type as type, is_nullable as nullable,',
      'column_default is not null as has_default, collation_name as collation, extra as extra',
      `from information_schema.columns where table_schema = ${db} and table_name in (${names})`,
      'order by table_name, ordinal_position',
    ],
    [
      'select table_name as t, index_name as name, column_name as col, nullable as nullable',
      `from information_schema.statistics where table_schema = ${db} and non_unique = 0 and table_name in (${names})`,
      'order by table_name, index_name, seq_in_index',
    ],
    [
      'select table_name as t, constraint_name as name, referenced_table_name as ref,',
      'update_rule as on_update, delete_rule as on_delete from information_schema.referential_constraints',
      `where constraint_schema = ${db} and table_name in (${names}) order by 1, 2`,
    ],
    [
      'select event_object_table as t, trigger_name as name from information_schema.triggers',
      `where event_object_schema = ${db} and event_object_table in (${names}) order by 1, 2`,
    ],
  ].map((lines) => lines.join(' '));
}

function column(row: NamedRow): ColumnFacts {
  const extra = row['extra'] ?? '';
  return {
    name: row['name'] ?? '',
    type: row['type'] ?? '',
    nullable: row['nullable'] === 'YES',
    hasDefault: row['has_default'] === '1' || extra.includes('DEFAULT_GENERATED'),
    collation: row['collation'] ?? '',
    generated: /(VIRTUAL|STORED) GENERATED/.test(extra),
    autoIncrement: extra.includes('auto_increment'),
  };
}

/** Keys over expressions have no column name; Vitess cannot use them. */
function uniqueKeys(rows: NamedRow[]): KeyFacts[] {
  const names = [...new Set(rows.map((row) => row['name'] ?? ''))];
  return names.flatMap((name) => {
    const parts = rows.filter((row) => row['name'] === name);
    if (parts.some((part) => part['col'] === null)) return [];
    return [
      {
        name,
        columns: parts.map((part) => part['col'] ?? ''),
        notNull: parts.every((part) => part['nullable'] !== 'YES'),
      },
    ];
  });
}

function foreignKey(row: NamedRow): ForeignKeyFacts {
  return {
    name: row['name'] ?? '',
    references: row['ref'] ?? '',
    onUpdate: row['on_update'] ?? '',
    onDelete: row['on_delete'] ?? '',
  };
}
