import { quoteName, quoteString } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';

/** The table of a sequence. vttablet reads its row 0, and takes numbers from there in blocks (`execNextval`). */
export interface SequenceRow {
  /** The table has the comment by which vttablet knows a sequence. */
  marked: boolean;
  /** The first number that is in no block yet; undefined when row 0 is missing. */
  nextId: bigint | undefined;
}

/** Numbers of a block, for a sequence that has no row yet: Vitess's own choice. */
const defaultCache = 1000;

/** @returns undefined when the table does not exist */
export async function readSequence(tablet: TabletConnection, table: string): Promise<SequenceRow | undefined> {
  const [found] = await tablet.select(
    [
      'select table_comment as comment from information_schema.tables',
      `where table_schema = ${quoteString(tablet.dbName)} and table_name = ${quoteString(table)}`,
    ].join(' '),
  );
  if (found === undefined) return undefined;
  const marked = found['comment'] === 'vitess_sequence';
  if (!marked) return { marked, nextId: undefined };
  const [row] = await tablet.select(`select next_id as next_id from ${quoteName(table)} where id = 0`);
  return { marked, nextId: integer(row?.['next_id']) };
}

/** Makes a sequence give `nextId` or more; one that is further on stays as it is. Two calls. */
export async function raiseSequence(tablet: TabletConnection, table: string, nextId: bigint): Promise<void> {
  const name = quoteName(table);
  await tablet.query(`insert ignore into ${name} (id, next_id, cache) values (0, ${nextId}, ${defaultCache})`);
  await tablet.query(`update ${name} set next_id = ${nextId} where id = 0 and next_id < ${nextId}`);
}

/** @returns undefined when the table has no row, or a column of another kind than whole numbers */
export async function readLargest(
  tablet: TabletConnection,
  table: string,
  column: string,
): Promise<bigint | undefined> {
  const [row] = await tablet.select(`select max(${quoteName(column)}) as largest from ${quoteName(table)}`);
  return integer(row?.['largest']);
}

function integer(text: string | null | undefined): bigint | undefined {
  return text !== null && text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}
