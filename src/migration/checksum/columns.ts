import type { ColumnFacts, TableFacts } from '../plan/table-facts.js';

/**
 * What of a column goes into a row's checksum. `number`: a whole number. `double`, and `float` of
 * a FLOAT: the shortest text that gives the double back; `rounded`: a FLOAT as the six digits that a stream copies.
 * `index`: the number of an ENUM, the bits of a SET or BIT. `short`: text that MySQL makes of a value and that has no
 * comma. `bytes`: what is stored. `text`: characters, whatever their charset.
 */
export type ColumnForm = 'number' | 'float' | 'double' | 'rounded' | 'index' | 'short' | 'bytes' | 'text';

export interface ChecksumColumn {
  name: string;
  form: ColumnForm;
  nullable: boolean;
  /** Of a DATETIME: the source's time zone, in which it is compared; the target has it in UTC. */
  zone?: string;
}

/** How a value of a key is written: in `Key` and in SQL. */
export type KeyForm =
  | { form: 'number' }
  /** Text without a charset: dates and times. */
  | { form: 'quoted' }
  /** Hexadecimal digits of what is stored. `width`: of BINARY, which the binary log has without its last zeros. */
  | { form: 'hex'; charset: string; width: number | null };

export type KeyColumn = { name: string } & KeyForm;

/** A table as its checksum reads it, alike on both sides. */
export interface ChecksumTable {
  name: string;
  columns: ChecksumColumn[];
  /** What rows are told apart and ordered by; empty for a table that is compared as a whole. */
  key: KeyColumn[];
  /** Names of the unique keys that begin with these columns: MySQL does not always see that they are the short way. */
  indexes: string[];
}

const formsByType: Record<string, ColumnForm> = {
  ...each(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year'], 'number'),
  ...each(['float', 'double'], 'double'),
  ...each(['bit', 'enum', 'set'], 'index'),
  ...each(['decimal', 'date', 'time', 'datetime', 'timestamp'], 'short'),
  ...each(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'], 'bytes'),
  ...each(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'vector'], 'bytes'),
  ...each(['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring'], 'bytes'),
  ...each(['multipolygon', 'geomcollection', 'geometrycollection'], 'bytes'),
  json: 'text',
};

/** Types that a range can be made of: MySQL orders and compares them as their literals. */
const quotedKeys = ['date', 'time', 'datetime', 'timestamp'];
const hexKeys = ['char', 'varchar', 'binary', 'varbinary'];

/** What the copy changes of rows on purpose. */
export interface Conversions {
  /** Six digits of a FLOAT are enough. */
  rounded?: boolean;
  /** The time zone from which DATETIME columns are converted to UTC. */
  zone?: string | undefined;
}

/**
 * How to compare a table on both sides, or why that cannot be done, in words.
 * @param targets the table on each target shard
 */
export function agreeOnTable(
  source: TableFacts,
  targets: readonly TableFacts[],
  { rounded = false, zone }: Conversions = {},
): ChecksumTable | string {
  const columns: ChecksumColumn[] = [];
  const isConverted = (column: ColumnFacts) => zone !== undefined && isDatetime(column);
  for (const column of source.columns) {
    const theirs = targets.map((target) => named(target, column.name));
    const form = commonForm(column, theirs);
    if (typeof form !== 'string') return form.reason;
    const float = rounded ? 'rounded' : 'float';
    columns.push({
      name: column.name,
      form: form === 'double' && isFloat(column) ? float : form,
      nullable: column.nullable || theirs.some((each) => each?.nullable),
      ...(zone !== undefined && isDatetime(column) ? { zone } : {}),
    });
  }
  const key = keyOf(source, targets, isConverted);
  return { name: source.name, columns, key, indexes: indexesOf(key, [source, ...targets]) };
}

/** A table as its rows were written: none of its columns has been converted. */
export function asWritten(table: ChecksumTable): ChecksumTable {
  return { ...table, columns: table.columns.map(({ name, form, nullable }) => ({ name, form, nullable })) };
}

/** The one way in which a key has a number: MySQL pads ZEROFILL, and a stream leaves out the zero of `0.5`. */
export function plainNumber(text: string): string {
  const [, sign = '', digits = '', fraction = ''] = /^(-?)0*(\d*)(\.\d+)?$/.exec(text) ?? [undefined, '', text];
  return `${sign}${digits === '' ? '0' : digits}${fraction}`;
}

/** True for FLOAT; DOUBLE is another type. */
export function isFloat(column: ColumnFacts): boolean {
  return dataType(column) === 'float';
}

/** True for DATETIME; TIMESTAMP is another type. */
export function isDatetime(column: ColumnFacts): boolean {
  return dataType(column) === 'datetime';
}

/** The data type of a column: `varchar` of `varchar(60)`. */
function dataType({ type }: ColumnFacts): string {
  return /^[a-z]+/.exec(type.toLowerCase())?.[0] ?? type;
}

function commonForm(
  source: ColumnFacts,
  targets: readonly (ColumnFacts | undefined)[],
): ColumnForm | { reason: string } {
  const form = formsByType[dataType(source)];
  if (form === undefined) return { reason: `nobody knows how to compare column ${source.name} of type ${source.type}` };
  let common: ColumnForm = form;
  for (const target of targets) {
    if (target === undefined) return { reason: `column ${source.name} is missing in the target` };
    if (formsByType[dataType(target)] !== form)
      return { reason: `column ${source.name} is ${source.type} in the source and ${target.type} in the target` };
    // Numbers of members mean the same for the same members only, and bytes for the same charset.
    const alike = form === 'index' ? source.type === target.type : charsetOf(source) === charsetOf(target);
    if (!alike) common = 'text';
  }
  return common;
}

/** `utf8mb4` of `utf8mb4_0900_ai_ci`; `binary` for what has no collation. */
export function charsetOf({ collation }: ColumnFacts): string {
  return collation === '' ? 'binary' : (collation.split('_')[0] ?? collation);
}

/** The longest beginning of the first usable key whose values are the same, and order alike, on all sides. */
function keyOf(
  source: TableFacts,
  targets: readonly TableFacts[],
  isConverted: (column: ColumnFacts) => boolean,
): KeyColumn[] {
  const keys = source.uniqueKeys.filter(({ notNull }) => notNull);
  const primaryFirst = [...keys].sort((a, b) => Number(b.name === 'PRIMARY') - Number(a.name === 'PRIMARY'));
  const usable = primaryFirst.map(({ columns }) => usablePart(columns, source, targets, isConverted));
  return usable.find((part) => part.length > 0) ?? [];
}

/** None when one of the tables has no such key: an index with a name of another one would be the long way. */
function indexesOf(key: readonly KeyColumn[], tables: readonly TableFacts[]): string[] {
  const begins = (columns: readonly string[]) =>
    key.every(({ name }, n) => name.toLowerCase() === columns[n]?.toLowerCase());
  const names = tables.map(({ uniqueKeys }) =>
    uniqueKeys.filter(({ columns }) => begins(columns)).map(({ name }) => name),
  );
  return key.length === 0 || names.some((found) => found.length === 0) ? [] : [...new Set(names.flat())];
}

function usablePart(
  columns: readonly string[],
  source: TableFacts,
  targets: readonly TableFacts[],
  isConverted: (column: ColumnFacts) => boolean,
): KeyColumn[] {
  const part: KeyColumn[] = [];
  for (const name of columns) {
    const column = named(source, name);
    const alike = targets.every((target) => {
      const theirs = named(target, name);
      return theirs?.collation === column?.collation && theirs?.type === column?.type && theirs?.nullable === false;
    });
    const form = column === undefined || !alike || isConverted(column) ? undefined : keyForm(column);
    if (form === undefined) break;
    part.push({ name, ...form });
  }
  return part;
}

function keyForm(column: ColumnFacts): KeyForm | undefined {
  const type = dataType(column);
  if (type === 'decimal' || formsByType[type] === 'number') return { form: 'number' };
  if (quotedKeys.includes(type)) return { form: 'quoted' };
  if (!hexKeys.includes(type)) return undefined;
  const width = type === 'binary' ? Number(/\d+/.exec(column.type)?.[0] ?? 1) : null;
  return { form: 'hex', charset: charsetOf(column), width };
}

function named({ columns }: TableFacts, name: string): ColumnFacts | undefined {
  return columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

function each(types: readonly string[], form: ColumnForm): Record<string, ColumnForm> {
  return Object.fromEntries(types.map((type) => [type, form]));
}
