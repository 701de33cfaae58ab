import type { TableFacts } from '../plan/table-facts.js';
import { agreeOnTable, isFloat, type ChecksumTable } from './columns.js';
import { keyId, type Key } from './scope.js';

/** A table whose FLOAT columns can be set from the source: the copy rounds them to six digits. */
export interface FloatTable {
  /** With the columns of the key and the FLOAT columns alone. */
  table: ChecksumTable;
  /** The FLOAT columns that are stored. */
  floats: string[];
  /** Columns that MySQL might set by itself when it changes a row (`ON UPDATE`). */
  untouched: string[];
}

/** The key of a row and its FLOAT columns: each as the text of a double that gives it back. */
export interface FloatRow {
  key: Key;
  values: (string | null)[];
}

/** What a repair of FLOAT columns has done. */
export interface RepairReport {
  /** The tables that it was asked for. */
  tables: string[];
  /** Rows that it has set. */
  rows: number;
}

/**
 * How to set the FLOAT columns of a table, or why that cannot be done, in words. Null for a table without any.
 * @param targets the table on each target shard
 */
export function agreeOnFloats(source: TableFacts, targets: readonly TableFacts[]): FloatTable | string | null {
  const stored = source.columns.filter(({ generated }) => !generated);
  const floats = stored.filter(isFloat).map(({ name }) => name);
  if (floats.length === 0) return null;
  const agreed = agreeOnTable(source, targets);
  if (typeof agreed === 'string') return agreed;
  const named = agreed.key.map(({ name }) => name);
  const whole = source.uniqueKeys.some(
    ({ columns, notNull }) => notNull && columns.length > 0 && columns.every((column) => named.includes(column)),
  );
  if (!whole) return 'no key tells its rows apart by columns that both sides order alike';
  const dates = stored.filter(({ type }) => /^(timestamp|datetime)/i.test(type));
  return {
    table: { ...agreed, columns: agreed.columns.filter(({ name }) => named.includes(name) || floats.includes(name)) },
    floats,
    untouched: dates.map(({ name }) => name),
  };
}

/** Rows of the source that the target has with other values. */
export function differingFloats(source: readonly FloatRow[], target: readonly FloatRow[]): FloatRow[] {
  const theirs = new Map(target.map(({ key, values }) => [keyId(key), JSON.stringify(values)]));
  return source.filter(({ key, values }) => {
    const there = theirs.get(keyId(key));
    return there !== undefined && there !== JSON.stringify(values);
  });
}
