import type { Unmapped } from '../../../migration/preflight/facts.js';
import { quoteName } from '../../../migration/sql/quote.js';
import type { TabletConnection } from '../connection.js';

/** Milliseconds that MySQL may look for a row: without an index it reads the whole table. */
const timeout = 5_000;

/** A number as Vitess parses it: there may be blanks around its digits. */
const whole = '^[[:space:]]*[0-9]{1,20}[[:space:]]*$';

/** The condition that a value is one of a kind. */
const conditions: Record<Unmapped, (column: string) => string> = {
  null: (column) => `${column} is null`,
  empty: (column) => `length(${column}) = 0`,
  negative: (column) => `${column} < 0`,
  text: (column) => `not coalesce(convert(${column} using utf8mb4) regexp '${whole}', ${column} is null)`,
};

/** True when a column has a value of a kind in some row. */
export async function holdsValue(
  tablet: TabletConnection,
  table: string,
  column: string,
  kind: Unmapped,
): Promise<boolean> {
  const condition = conditions[kind](quoteName(column));
  const rows = await tablet.select(
    `select /*+ MAX_EXECUTION_TIME(${timeout}) */ 1 as n from ${quoteName(table)} where ${condition} limit 1`,
  );
  return rows.length > 0;
}
