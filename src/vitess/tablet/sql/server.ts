import { quoteString, quoteStrings } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';

/** Milliseconds: a server that needs longer to say how busy it is does not say it. */
const loadTimeout = 10_000;
/** Milliseconds: the migrations of a worker look at the same servers. */
const loadAge = 1_000;

/** An open transaction, with its age in seconds and the number of its MySQL thread. */
export interface OpenTransaction {
  id: string;
  seconds: number;
  thread: string;
}

/** Seconds that a replica is behind, undefined when it does not replicate; and those that it stays so on purpose. */
export interface Replication {
  lag: number | undefined;
  delay: number;
}

export async function readVariables(
  tablet: TabletConnection,
  names: readonly string[],
): Promise<Record<string, string>> {
  const rows = await tablet.select(`show global variables where variable_name in (${quoteStrings(names)})`);
  return Object.fromEntries(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']));
}

export async function readCollations(tablet: TabletConnection): Promise<string[]> {
  const rows = await tablet.select('select collation_name as name from information_schema.collations');
  return rows.flatMap((row) => row['name'] ?? []);
}

export async function convertsFrom(tablet: TabletConnection, zone: string): Promise<boolean> {
  const [row] = await tablet.select(
    `select convert_tz('2006-01-02 15:04:05', ${quoteString(zone)}, 'UTC') is not null as converts`,
  );
  return row?.['converts'] === '1';
}

export async function readOpenTransactions(tablet: TabletConnection): Promise<Set<string>> {
  const rows = await tablet.select(
    'select trx_id as id from information_schema.innodb_trx where trx_rows_modified > 0',
  );
  return new Set(rows.flatMap((row) => row['id'] ?? []));
}

export async function readLockingTransactions(tablet: TabletConnection): Promise<OpenTransaction[]> {
  const rows = await tablet.select(
    [
      'select trx_id as id, timestampdiff(second, trx_started, now()) as seconds, trx_mysql_thread_id as thread',
      'from information_schema.innodb_trx',
      'where trx_tables_locked > 0 or trx_rows_locked > 0 or trx_rows_modified > 0',
    ].join(' '),
  );
  return rows.map((row) => ({
    id: row['id'] ?? '',
    seconds: Number(row['seconds'] ?? 0),
    thread: row['thread'] ?? '',
  }));
}

export async function readReplication(tablet: TabletConnection): Promise<Replication | undefined> {
  const [row] = await tablet.select('show replica status');
  if (row === undefined) return undefined;
  const lag = row['Seconds_Behind_Source'] ?? null;
  return { lag: lag === null ? undefined : Number(lag), delay: Number(row['SQL_Delay'] ?? 0) };
}

/** How busy a server has been within the last second. */
export interface ServerLoad {
  /** Threads at work, that of the question among them. */
  threads: number;
  replication: Replication | undefined;
}

export function readLoad(tablet: TabletConnection): Promise<ServerLoad> {
  return tablet.readRecent('load', loadAge, async () => {
    const status = tablet.query("show global status like 'Threads_running'", loadTimeout);
    const [[row], replication] = await Promise.all([status, readReplication(tablet)]);
    return { threads: Number(row?.['Value'] ?? 0), replication };
  });
}

export async function readGrants(tablet: TabletConnection, user: string): Promise<string[] | undefined> {
  const grantee = `substring_index(grantee, '@', 1) = ${quoteString(`'${user}'`)}`;
  const [global, schema, single, roles] = await Promise.all([
    tablet.select(`select distinct privilege_type as p from information_schema.user_privileges where ${grantee}`),
    tablet.select(
      [
        'select distinct privilege_type as p from information_schema.schema_privileges',
        `where ${grantee} and ${quoteString(tablet.dbName)} like table_schema`,
      ].join(' '),
    ),
    tablet.select(`select 1 as n from information_schema.table_privileges where ${grantee} limit 1`),
    tablet.select(`select 1 as n from mysql.role_edges where to_user = ${quoteString(user)} limit 1`),
  ]);
  return single.length + roles.length > 0 ? undefined : [...global, ...schema].flatMap((row) => row['p'] ?? []);
}

/** True when MySQL has executed everything up to a position, in Vitess's form, or does within `seconds`. */
export async function hasExecuted(tablet: TabletConnection, position: string, seconds: number): Promise<boolean> {
  const gtids = position.slice(position.indexOf('/') + 1);
  const [row] = await tablet.query(`select wait_for_executed_gtid_set(${quoteString(gtids)}, ${seconds}) as late`);
  return row?.['late'] === '0';
}
