import type { ColumnFacts, ForeignKeyFacts, KeyFacts, TableFacts } from '../../../migration/preflight/facts.js';
import { quoteString, quoteStrings } from '../../../migration/sql/quote.js';
import type { NamedRow } from '../rows.js';
import type { Tablet } from '../tablet.js';

/** Tables in one query: far from the 100,000 rows at which a tablet refuses. */
const tablesAtOnce = 400;

/** Those of MySQL's global variables that this MySQL has. */
export async function readVariables(tablet: Tablet, names: readonly string[]): Promise<Record<string, string>> {
  const rows = await tablet.query(`show global variables where variable_name in (${quoteStrings(names)})`);
  return Object.fromEntries(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']));
}

/** Names of the collations this MySQL knows. */
export async function readCollations(tablet: Tablet): Promise<string[]> {
  const rows = await tablet.query('select collation_name as name from information_schema.collations');
  return rows.flatMap((row) => row['name'] ?? []);
}

export async function readViews(tablet: Tablet): Promise<string[]> {
  const rows = await tablet.query(
    `select table_name as name from information_schema.views where table_schema = ${quoteString(tablet.dbName)} order by 1`,
  );
  return rows.flatMap((row) => row['name'] ?? []);
}

/** Open transactions that have locked or changed rows, with their age in seconds. */
export async function readTransactions(tablet: Tablet): Promise<{ id: string; seconds: number; thread: string }[]> {
  const rows = await tablet.query(
    'select trx_id as id, timestampdiff(second, trx_started, now()) as seconds, trx_mysql_thread_id as thread from information_schema.innodb_trx where trx_tables_locked > 0 or trx_rows_locked > 0 or trx_rows_modified > 0',
  );
  return rows.map((row) => ({
    id: row['id'] ?? '',
    seconds: Number(row['seconds'] ?? 0),
    thread: row['thread'] ?? '',
  }));
}

/**
 * Privileges of an account on the tablet's database, whatever host it comes from. Undefined when
 * they cannot be told from here: it has roles, or privileges on single tables.
 */
export async function readGrants(tablet: Tablet, user: string): Promise<string[] | undefined> {
  const grantee = `substring_index(grantee, '@', 1) = ${quoteString(`'${user}'`)}`;
  const [global, schema, single, roles] = await Promise.all([
    tablet.query(`select distinct privilege_type as p from information_schema.user_privileges where ${grantee}`),
    tablet.query(
      `select distinct privilege_type as p from information_schema.schema_privileges where ${grantee} and ${quoteString(tablet.dbName)} like table_schema`,
    ),
    tablet.query(`select 1 as n from information_schema.table_privileges where ${grantee} limit 1`),
    tablet.query(`select 1 as n from mysql.role_edges where to_user = ${quoteString(user)} limit 1`),
  ]);
  return single.length + roles.length > 0 ? undefined : [...global, ...schema].flatMap((row) => row['p'] ?? []);
}

/** Columns, unique keys, foreign keys and triggers of base tables, in the order of `names`; those that do not exist are left out. */
export async function readTables(tablet: Tablet, names: readonly string[]): Promise<TableFacts[]> {
  const all: TableFacts[] = [];
  for (let from = 0; from < names.length; from += tablesAtOnce)
    all.push(...(await readSome(tablet, names.slice(from, from + tablesAtOnce))));
  return all;
}

async function readSome(tablet: Tablet, names: readonly string[]): Promise<TableFacts[]> {
  const db = quoteString(tablet.dbName);
  const list = quoteStrings(names);
  const [tables, columns, keys, foreignKeys, triggers] = await Promise.all([
    tablet.query(
      `select table_name as t, engine as engine from information_schema.tables where table_schema = ${db} and table_type = 'BASE TABLE' and table_name in (${list})`,
    ),
    tablet.query(
      `select table_name as t, column_name as name, column_type as type, is_nullable as nullable, column_default is not null as has_default, collation_name as collation, extra as extra from information_schema.columns where table_schema = ${db} and table_name in (${list}) order by table_name, ordinal_position`,
    ),
    tablet.query(
      `select table_name as t, index_name as name, column_name as col, nullable as nullable from information_schema.statistics where table_schema = ${db} and non_unique = 0 and table_name in (${list}) order by table_name, index_name, seq_in_index`,
    ),
    tablet.query(
      `select table_name as t, constraint_name as name, referenced_table_name as ref, update_rule as on_update, delete_rule as on_delete from information_schema.referential_constraints where constraint_schema = ${db} and table_name in (${list}) order by 1, 2`,
    ),
    tablet.query(
      `select event_object_table as t, trigger_name as name from information_schema.triggers where event_object_schema = ${db} and event_object_table in (${list}) order by 1, 2`,
    ),
  ]);
  const engines = new Map(tables.map((row) => [row['t'] ?? '', row['engine'] ?? '']));
  const of = (rows: NamedRow[], table: string) => rows.filter((row) => row['t'] === table);
  return names
    .filter((name) => engines.has(name))
    .map((name) => ({
      name,
      engine: engines.get(name) ?? '',
      columns: of(columns, name).map(column),
      uniqueKeys: uniqueKeys(of(keys, name)),
      foreignKeys: of(foreignKeys, name).map(foreignKey),
      triggers: of(triggers, name).flatMap((row) => row['name'] ?? []),
    }));
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

/** Keys over expressions have no column name and tell Vitess nothing. */
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
