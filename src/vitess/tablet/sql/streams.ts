import { quoteString, quoteStrings } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';

/** Copy state of a stream that is gone: its ID, and the tables it was copying or had work left for. */
export interface OrphanedCopyState {
  stream: string;
  tables: string[];
}

/** The tables of `_vt` that hold the copy state of a stream. */
const copyTables = ['copy_state', 'post_copy_action'];

/** Tables with rows in `_vt.copy_state`, by stream. */
export async function readCopyState(
  tablet: TabletConnection,
  streams: readonly number[],
): Promise<Map<number, string[]>> {
  if (streams.length === 0) return new Map();
  const rows = await tablet.readAbout('copy state', streams, (ids) =>
    tablet.query(
      [
        'select vrepl_id, table_name from _vt.copy_state',
        `where vrepl_id in (${ids.join(', ')}) group by vrepl_id, table_name`,
      ].join(' '),
    ),
  );
  return new Map(
    streams.map((id) => [
      id,
      rows.filter((row) => row['vrepl_id'] === String(id)).flatMap((row) => row['table_name'] ?? []),
    ]),
  );
}

/** Seconds since a stream has had its last message, which Vitess logs once (`insertLog` of vreplication/utils.go). */
export async function readMessageAge(tablet: TabletConnection, id: number): Promise<number> {
  const age = 'unix_timestamp() - unix_timestamp(created_at)';
  const [row] = await tablet.select(
    `select ${age} as age from _vt.vreplication_log where vrepl_id = ${id} order by id desc limit 1`,
  );
  return Number(row?.['age'] ?? 0);
}

/** The source of each of some workflows' streams, in protobuf's text format, by the stream's ID. */
export async function readSources(
  tablet: TabletConnection,
  workflows: readonly string[],
): Promise<Map<number, string>> {
  const rows = await tablet.select(
    ['select id, source from _vt.vreplication', `where ${ofWorkflows(tablet, workflows)}`].join(' '),
  );
  return new Map(rows.map((row) => [Number(row['id']), row['source'] ?? '']));
}

/** In hexadecimal, so that no `sql_mode` changes the meaning of a backslash. */
export async function writeSource(tablet: TabletConnection, id: number, source: string): Promise<void> {
  const hex = Buffer.from(source).toString('hex');
  await tablet.query(`update _vt.vreplication set source = X'${hex}' where id = ${id}`);
}

/** Deletes what these streams have still to copy of these tables. */
export async function deleteTableCopyState(
  tablet: TabletConnection,
  streams: readonly number[],
  tables: readonly string[],
): Promise<void> {
  await tablet.query(`delete from _vt.copy_state where ${ofStreamsAndTables(streams, tables)}`);
}

/** The statement by which a stream is to build the secondary keys of a table that it has deferred. */
export interface DeferredKeys {
  table: string;
  statement: string;
}

/** The statements that build the deferred secondary keys of these tables, each once. */
export async function readDeferredKeys(
  tablet: TabletConnection,
  streams: readonly number[],
  tables: readonly string[],
): Promise<DeferredKeys[]> {
  const rows = await tablet.select(
    [
      "select distinct table_name as t, json_unquote(json_extract(action, '$.task')) as task",
      `from _vt.post_copy_action where ${ofStreamsAndTables(streams, tables)}`,
    ].join(' '),
  );
  return rows.map((row) => ({ table: row['t'] ?? '', statement: row['task'] ?? '' }));
}

/** Forgets that the secondary keys of these tables are still to be built. */
export async function deleteDeferredKeys(
  tablet: TabletConnection,
  streams: readonly number[],
  tables: readonly string[],
): Promise<void> {
  await tablet.query(`delete from _vt.post_copy_action where ${ofStreamsAndTables(streams, tables)}`);
}

function ofStreamsAndTables(streams: readonly number[], tables: readonly string[]): string {
  return `vrepl_id in (${streams.join(', ')}) and table_name in (${quoteStrings(tables)})`;
}

/** As Vitess does once a VDiff has its snapshots (`restartTargetVReplicationStreams`). */
export async function clearStopPosition(tablet: TabletConnection, workflows: readonly string[]): Promise<void> {
  await tablet.query(`update _vt.vreplication set stop_pos = '' where ${ofWorkflows(tablet, workflows)}`);
}

function ofWorkflows({ dbName }: TabletConnection, workflows: readonly string[]): string {
  return `workflow in (${quoteStrings(workflows)}) and db_name = ${quoteString(dbName)}`;
}

export async function readOrphanedCopyState(tablet: TabletConnection): Promise<OrphanedCopyState[]> {
  const orphans = copyTables.map(
    (table) =>
      `select vrepl_id as stream, table_name as name from _vt.${table} ` +
      'where vrepl_id not in (select id from _vt.vreplication)',
  );
  const rows = await tablet.select(`${orphans.join(' union ')} order by stream, name`);
  const streams = [...new Set(rows.flatMap((row) => row['stream'] ?? []))];
  return streams.map((stream) => ({
    stream,
    tables: [...new Set(rows.filter((row) => row['stream'] === stream).flatMap((row) => row['name'] ?? []))],
  }));
}

export async function deleteCopyState(tablet: TabletConnection, stream: string): Promise<void> {
  for (const table of copyTables) await tablet.query(`delete from _vt.${table} where vrepl_id = ${Number(stream)}`);
}
