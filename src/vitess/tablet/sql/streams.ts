import { quoteString } from '../../../migration/sql/quote.js';
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
  const rows = await tablet.query(
    [
      'select vrepl_id, table_name from _vt.copy_state',
      `where vrepl_id in (${streams.join(', ')}) group by vrepl_id, table_name`,
    ].join(' '),
  );
  return new Map(
    streams.map((id) => [
      id,
      rows.filter((row) => row['vrepl_id'] === String(id)).flatMap((row) => row['table_name'] ?? []),
    ]),
  );
}

/** As Vitess does once a VDiff has its snapshots (`restartTargetVReplicationStreams`). */
export async function clearStopPosition(tablet: TabletConnection, workflow: string): Promise<void> {
  await tablet.query(
    [
      "update _vt.vreplication set stop_pos = ''",
      `where workflow = ${quoteString(workflow)} and db_name = ${quoteString(tablet.dbName)}`,
    ].join(' '),
  );
}

export async function readOrphanedCopyState(tablet: TabletConnection): Promise<OrphanedCopyState[]> {
  const orphans = copyTables.map(
    (table) =>
      `select vrepl_id as stream, table_name as name from _vt.${table} ` +
      'where vrepl_id not in (select id from _vt.vreplication)',
  );
  const rows = await tablet.query(`${orphans.join(' union ')} order by stream, name`);
  const streams = [...new Set(rows.flatMap((row) => row['stream'] ?? []))];
  return streams.map((stream) => ({
    stream,
    tables: [...new Set(rows.filter((row) => row['stream'] === stream).flatMap((row) => row['name'] ?? []))],
  }));
}

export async function deleteCopyState(tablet: TabletConnection, stream: string): Promise<void> {
  for (const table of copyTables) await tablet.query(`delete from _vt.${table} where vrepl_id = ${Number(stream)}`);
}
