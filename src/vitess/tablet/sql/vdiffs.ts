import { quoteString } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';

/** What a tablet keeps of a VDiff. */
export interface VDiffRecord {
  /** The VDiff's UUID; `#` and its number where only rows of `vdiff_table` or `vdiff_log` are left. */
  id: string;
  /** Empty when only those rows are left. */
  workflow: string;
  state: string;
}

/** The tables of `_vt` that hold a VDiff's parts. Vitess's own delete by UUID leaves rows in the log. */
const partTables = ['vdiff_table', 'vdiff_log'];

/** VDiffs of a keyspace, and those of which only parts are left, of whichever keyspace. */
export async function readVDiffRows(tablet: TabletConnection, keyspace: string): Promise<VDiffRecord[]> {
  const whole = await tablet.select(
    [
      'select vdiff_uuid as id, workflow, state from _vt.vdiff',
      `where keyspace = ${quoteString(keyspace)} and db_name = ${quoteString(tablet.dbName)} order by id`,
    ].join(' '),
  );
  const parts = partTables.map(
    (table) => `select vdiff_id as id from _vt.${table} where vdiff_id not in (select id from _vt.vdiff)`,
  );
  const rest = await tablet.select(`${parts.join(' union ')} order by id`);
  return [
    ...whole.map((row) => ({ id: row['id'] ?? '', workflow: row['workflow'] ?? '', state: row['state'] ?? '' })),
    ...rest.map((row) => ({ id: `#${row['id'] ?? ''}`, workflow: '', state: '' })),
  ];
}

/** The parts go first: without them the VDiff would no longer lead to them. */
export async function deleteVDiffRows(tablet: TabletConnection, id: string): Promise<void> {
  const numbers = id.startsWith('#') ? [Number(id.slice(1))] : await numbersOf(tablet, id);
  for (const number of numbers) {
    for (const table of partTables) await tablet.query(`delete from _vt.${table} where vdiff_id = ${number}`);
    await tablet.query(`delete from _vt.vdiff where id = ${number}`);
  }
}

async function numbersOf(tablet: TabletConnection, uuid: string): Promise<number[]> {
  const rows = await tablet.select(
    [
      'select id from _vt.vdiff',
      `where vdiff_uuid = ${quoteString(uuid)} and db_name = ${quoteString(tablet.dbName)}`,
    ].join(' '),
  );
  return rows.map((row) => Number(row['id']));
}
