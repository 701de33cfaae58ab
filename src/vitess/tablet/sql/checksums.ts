import type { ChecksumColumn, ChecksumTable } from '../../../migration/checksum/columns.js';
import type { Checksum, Key, KeyRange, RowChecksum, Scope } from '../../../migration/checksum/scope.js';
import { quoteName, quoteString } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';
import { graceTime, hints, keyColumns, keyIn, order, where } from './keys.js';

/** Added for a row of which MySQL makes no checksum; more than any number of 64-bit checksums can add up to. */
const unreadable = 10n ** 30n;

/** A checksum, and the number of rows that are longer than MySQL's `max_allowed_packet`: they are not in it. */
export interface ReadChecksum extends Checksum {
  tooLong: number;
}

/**
 * @param timeoutMs after which MySQL ends the query
 * @throws MigrationError TABLET_CALL_FAILED when that time has passed
 */
export async function readChecksum(
  tablet: TabletConnection,
  table: ChecksumTable,
  scope: Scope,
  timeoutMs: number,
): Promise<ReadChecksum> {
  const sum = `coalesce(sum(ifnull(${rowChecksum(table)}, ${unreadable})), 0)`;
  const [row] = await tablet.query(
    `select ${hints(timeoutMs, table)} count(*) as n, ${sum} as total` +
      ` from ${quoteName(table.name)}${where(table, scope)}`,
    timeoutMs + graceTime,
  );
  const total = BigInt(row?.['total'] ?? '0');
  return {
    rows: Number(row?.['n'] ?? '0'),
    sum: (total % unreadable).toString(),
    tooLong: Number(total / unreadable),
  };
}

/** The key of the row that is `rows` rows into a range; undefined when the range has fewer. */
export async function readBoundary(
  tablet: TabletConnection,
  table: ChecksumTable,
  range: KeyRange,
  rows: number,
  timeoutMs: number,
): Promise<Key | undefined> {
  const [row] = await tablet.query(
    `select ${hints(timeoutMs, table)} ${keyColumns(table)} from ${quoteName(table.name)}${where(table, { range })}` +
      ` order by ${order(table)} limit 1 offset ${rows - 1}`,
    timeoutMs + graceTime,
  );
  return row === undefined ? undefined : keyIn(table, row);
}

/** Keys and checksums of the rows of a scope, in the order of the key. */
export async function readRowChecksums(
  tablet: TabletConnection,
  table: ChecksumTable,
  scope: Scope,
  most: number,
  timeoutMs: number,
): Promise<RowChecksum[]> {
  const rows = await tablet.query(
    `select ${hints(timeoutMs, table)} ${keyColumns(table)}, ${rowChecksum(table)} as total` +
      ` from ${quoteName(table.name)}${where(table, scope)} order by ${order(table)} limit ${most}`,
    timeoutMs + graceTime,
  );
  return rows.map((row) => ({ key: keyIn(table, row), sum: row['total'] ?? '' }));
}

/** 64 bits of the SHA-256 of a row's columns, each of which says where it ends. MD5 and SHA-1 are gone from MySQL 9. */
function rowChecksum({ columns }: ChecksumTable): string {
  const row = `concat_ws(',', ${columns.map(columnText).join(', ')})`;
  return `cast(conv(left(sha2(${row}, 256), 16), 16, 10) as unsigned)`;
}

function columnText({ name, form, nullable, zone }: ChecksumColumn): string {
  const column = zone === undefined ? quoteName(name) : `convert_tz(${quoteName(name)}, 'UTC', ${quoteString(zone)})`;
  const orNull = (text: string, mark: string) => (nullable ? `ifnull(${text}, ${mark})` : text);
  const short = (text: string) => orNull(nullable ? `cast(${text} as binary)` : text, "'N'");
  const long = (text: string) => `${orNull(`length(${text})`, "'N'")}, ${orNull(text, "''")}`;
  switch (form) {
    case 'number':
      return short(`${column} + 0`);
    case 'float':
    case 'double':
      return short(`${column} * 1e0`);
    case 'rounded':
      // A stream copies -0 as 0.
      return short(`if(${column} = 0, 0, ${column})`);
    case 'index':
      return short(`cast(${column} as unsigned)`);
    case 'short':
      return short(column);
    case 'bytes':
      return long(`cast(${column} as binary)`);
    case 'text':
      return long(`cast(convert(${column} using utf8mb4) as binary)`);
  }
}
