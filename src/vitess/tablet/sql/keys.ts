import { plainNumber, type ChecksumTable, type KeyColumn } from '../../../migration/checksum/columns.js';
import type { Key, Scope } from '../../../migration/checksum/scope.js';
import { quoteName, quoteString } from '../../../migration/sql/quote.js';

/** Milliseconds more than MySQL may take until the call is given up. */
export const graceTime = 5_000;

/**
 * A session's own time zone and `sql_mode` must not change what a value looks like. The key's index is named, because
 * MySQL has been seen to sort the whole rest of a table by another one to find the end of a part.
 */
export function hints(timeoutMs: number, { name, indexes }: ChecksumTable): string {
  const index = indexes.length === 0 ? '' : `INDEX(${quoteName(name)} ${indexes.map(quoteName).join(', ')}) `;
  const mode = 'NO_ENGINE_SUBSTITUTION';
  return `/*+ ${index}MAX_EXECUTION_TIME(${timeoutMs}) SET_VAR(time_zone='+00:00') SET_VAR(sql_mode='${mode}') */`;
}

/** A row's key in the form of `Key`, as columns that `keyIn` reads. */
export function keyColumns({ key }: ChecksumTable): string {
  const texts = key.map(({ name, form }) => {
    const column = quoteName(name);
    return form === 'hex' ? `hex(cast(${column} as binary))` : `cast(${column} as char)`;
  });
  return texts.map((text, n) => `${text} as k${n}`).join(', ');
}

/** The key of a row that was selected by `keyColumns`. */
export function keyIn({ key }: ChecksumTable, row: Record<string, string | null>): Key {
  return key.map(({ form }, n) => {
    const text = row[`k${n}`] ?? '';
    return form === 'number' ? plainNumber(text) : text;
  });
}

/** The columns of a key, as `order by` takes them. */
export function order({ key }: ChecksumTable): string {
  return key.map(({ name }) => quoteName(name)).join(', ');
}

/** The condition that rows of a scope meet, with its `where`; empty for a whole table. */
export function where(table: ChecksumTable, scope: Scope): string {
  if ('keys' in scope) return ` where ${amongKeys(table.key, scope.keys)}`;
  const { after, upTo } = scope.range;
  const conditions = [
    ...(after === null ? [] : [beyond(table.key, after, '>')]),
    ...(upTo === null ? [] : [`not (${beyond(table.key, upTo, '>')})`, ...first(table.key, upTo, '<=')]),
    ...(after === null ? [] : first(table.key, after, '>=')),
  ];
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
}

/** `(a, b) > (1, 2)`, in the form for which MySQL can use an index. */
function beyond(columns: readonly KeyColumn[], key: Key, than: '>'): string {
  const alternatives = columns.map((_, n) =>
    columns
      .slice(0, n + 1)
      .map((column, m) => `${quoteName(column.name)} ${m === n ? than : '='} ${literal(column, key[m] ?? '')}`)
      .join(' and '),
  );
  return alternatives.length === 1
    ? (alternatives[0] ?? '')
    : `(${alternatives.map((each) => `(${each})`).join(' or ')})`;
}

/** What follows for the first of several columns: MySQL then reads no more than that part of the index. */
function first(columns: readonly KeyColumn[], key: Key, comparison: '<=' | '>='): string[] {
  const [column, ...others] = columns;
  if (column === undefined || others.length === 0) return [];
  return [`${quoteName(column.name)} ${comparison} ${literal(column, key[0] ?? '')}`];
}

/** The condition that a row has one of some keys. */
export function amongKeys(columns: readonly KeyColumn[], keys: readonly Key[]): string {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  const rows = keys.map((key) => `(${columns.map((column, n) => literal(column, key[n] ?? '')).join(', ')})`);
  return columns.length === 1
    ? `${names} in (${rows.map((row) => row.slice(1, -1)).join(', ')})`
    : `(${names}) in (${rows.join(', ')})`;
}

function literal(column: KeyColumn, value: string): string {
  switch (column.form) {
    case 'number':
      if (!/^-?\d+(\.\d+)?$/.test(value)) throw new Error(`${value} is no number`);
      return value;
    case 'quoted':
      return quoteString(value);
    case 'hex':
      if (!/^([0-9A-F]{2})*$/i.test(value)) throw new Error(`${value} is not hexadecimal`);
      return `_${column.charset} x'${value}'`;
  }
}
