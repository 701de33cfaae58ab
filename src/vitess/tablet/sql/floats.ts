import type { FloatRow, FloatTable } from '../../../migration/checksum/floats.js';
import type { Scope } from '../../../migration/checksum/scope.js';
import { quoteName } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';
import { amongKeys, graceTime, hints, keyColumns, keyIn, order, where } from './keys.js';

/** What MySQL writes of a double. */
const double = /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i;

/** The FLOAT columns of the rows of a scope as doubles, in the order of the key. */
export async function readFloats(
  tablet: TabletConnection,
  { table, floats }: FloatTable,
  scope: Scope,
  most: number,
  timeoutMs: number,
): Promise<FloatRow[]> {
  const columns = floats.map((name, n) => `${quoteName(name)} * 1e0 as f${n}`);
  const rows = await tablet.query(
    `select ${hints(timeoutMs, table)} ${keyColumns(table)}, ${columns.join(', ')}` +
      ` from ${quoteName(table.name)}${where(table, scope)} order by ${order(table)} limit ${most}`,
    timeoutMs + graceTime,
  );
  return rows.map((row) => ({ key: keyIn(table, row), values: floats.map((_, n) => row[`f${n}`] ?? null) }));
}

/**
 * Sets the FLOAT columns of some rows, in one transaction. A row that is not there stays away, and no other column of
 * one that is changes.
 */
export async function writeFloats(
  tablet: TabletConnection,
  { table, floats, untouched }: FloatTable,
  rows: readonly FloatRow[],
): Promise<void> {
  const sets = floats.map((name, n) => {
    const cases = rows.map(
      ({ key, values }) => `when ${amongKeys(table.key, [key])} then ${literal(values[n] ?? null)}`,
    );
    return `${quoteName(name)} = case ${cases.join(' ')} else ${quoteName(name)} end`;
  });
  const kept = untouched.map((name) => `${quoteName(name)} = ${quoteName(name)}`);
  const keys = rows.map(({ key }) => key);
  await tablet.query(
    `update /*+ SET_VAR(sql_mode='NO_ENGINE_SUBSTITUTION') */ ${quoteName(table.name)}` +
      ` set ${[...sets, ...kept].join(', ')} where ${amongKeys(table.key, keys)}`,
  );
}

/** With an exponent, or MySQL would take it for a decimal number. */
function literal(value: string | null): string {
  if (value === null) return 'null';
  if (!double.test(value)) throw new Error(`${value} is no double`);
  return /e/i.test(value) ? value : `${value}e0`;
}
