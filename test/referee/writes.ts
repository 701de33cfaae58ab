import type { Random } from './random.js';
import { id, type Column, type Table } from './tables.js';

function valueOf(random: Random, column: Column): string {
  if (column.nullable && random.chance(0.2)) return 'null';
  return column.default !== undefined && random.chance(0.2) ? 'default' : column.kind.value(random);
}

/** Keys are often those of other rows, so that writes meet; a lone key column mostly gets a new value. */
function insert(random: Random, table: Table, verb: string, rows: number): string {
  const columns = random.chance(0.3) ? table.columns.filter(mustBeSaid(table)) : table.columns;
  const values = Array.from({ length: rows }, () => `(${columns.map((each) => valueOf(random, each)).join(', ')})`);
  return `${verb} into ${id(table.name)} (${columns.map(({ name }) => id(name)).join(', ')}) values ${values.join(', ')}`;
}

const mustBeSaid =
  ({ keyColumns, picker }: Table) =>
  (column: Column): boolean =>
    keyColumns.includes(column.name) || column.name === picker || (!column.nullable && column.default === undefined);

function assignments(random: Random, columns: readonly Column[]): string {
  return random
    .some(columns, random.int(1, 3))
    .map((column) => `${id(column.name)} = ${valueOf(random, column)}`)
    .join(', ');
}

/** A few rows, chosen by the picker. */
function where(random: Random, { picker }: Table): string {
  return `where ${id(picker)} = ${random.int(0, 39)} limit ${random.pick([1, 1, 2, 5])}`;
}

function statement(random: Random, table: Table): string {
  const name = id(table.name);
  const keys = table.columns.filter((column) => table.keyColumns.includes(column.name));
  const update = (columns: readonly Column[]) =>
    `update ${name} set ${assignments(random, columns)} ${where(random, table)}`;
  return random.pick([
    () => insert(random, table, 'insert', random.int(1, 4)),
    () => insert(random, table, 'insert', 1),
    () => insert(random, table, 'replace', random.int(1, 2)),
    () => `${insert(random, table, 'insert', 1)} on duplicate key update ${assignments(random, table.columns)}`,
    () => update(table.columns),
    () => update(table.columns),
    () => update(keys.length > 0 ? keys : table.columns),
    () => `delete from ${name} ${where(random, table)}`,
  ])();
}

/** The rows with which a table begins: each of its own, for one that MySQL refuses refuses the whole statement. */
export function firstRows(random: Random, table: Table, count: number): string[] {
  return Array.from({ length: count }, () => insert(random, table, 'insert ignore', 1));
}

/** One statement, or a transaction of several that is committed or rolled back. */
export function randomWrite(random: Random, tables: readonly Table[]): string[] {
  if (random.chance(0.7)) return [statement(random, random.pick(tables))];
  const middle = Array.from({ length: random.int(2, 6) }, () => statement(random, random.pick(tables)));
  return ['begin', ...middle, random.chance(0.7) ? 'commit' : 'rollback'];
}
