import { escapeId } from 'mysql2';
import { randomKeyKind, randomKind, type Kind } from './kinds.js';
import type { Random } from './random.js';

export interface Column {
  name: string;
  kind: Kind;
  nullable: boolean;
  /** Where the row that is written does not say. */
  default?: string;
}

/** A table as the generator made it; the server decides what it really is. */
export interface Table {
  name: string;
  columns: Column[];
  /** `CREATE TABLE` without the name. */
  definition: string;
  /** A column of small whole numbers by which writes choose rows. */
  picker: string;
  key: 'primary' | 'unique' | 'none';
  keyColumns: string[];
  /** FLOAT columns, whose last digits the copy loses. */
  floats: string[];
  /** It has the partitions p0 to p3, of ten numbers of the picker each. */
  partitioned: boolean;
  vindex?: { column: string; name: string };
}

/** A name and nothing else: a dot does not separate. */
export const id = (name: string): string => escapeId(name, true);

const styles = ['t', 'Mixed Case', '表', 'select', 'Ünï-', "quo'te", 'a.dot', 'per%s', 'semi;', 'dollar$', 'back\\'];
const columnStyles = ['c', 'c', 'Größe', 'two words', 'order', 'Δ', "it's", 'A.b', '1st', 'x-y', 'key'];

/** Between one and four tables, mostly few. */
export function randomTables(random: Random, sharded: boolean): Table[] {
  const count = random.pick([1, 1, 2, 2, 3, 4]);
  return Array.from({ length: count }, (_, i) => randomTable(random.fork(`table ${i}`), `_${i}`, sharded));
}

/** @param suffix keeps names apart */
export function randomTable(random: Random, suffix: string, sharded: boolean): Table {
  const names = (i: number): string => `${random.pick(columnStyles)}${i}`;
  const picker: Column = { name: `n ${random.pick(columnStyles)}`, kind: pickerKind, nullable: false };
  const partitioned = random.chance(0.15);
  const keyed = keyColumns(random, picker, partitioned, sharded, names);
  const others = Array.from({ length: random.int(1, 10) }, (_, i) => randomColumn(random, names(i), partitioned));
  const columns = random.some([...new Set([picker, ...keyed, ...others])], 99);
  const key = keyed.length === 0 ? 'none' : random.chance(0.15) ? 'unique' : 'primary';
  const vindex = sharded ? vindexOf(random, keyed) : undefined;
  return {
    name: `${random.pick(styles)}${suffix}`,
    columns,
    definition: definitionOf(random, { columns, keyed, key, picker, partitioned }),
    picker: picker.name,
    key,
    keyColumns: keyed.map(({ name }) => name),
    floats: columns.flatMap(({ name, kind }) => (kind.type === 'float' ? [name] : [])),
    partitioned,
    ...(vindex === undefined ? {} : { vindex }),
  };
}

const pickerKind: Kind = { type: 'int', value: (r) => String(r.int(0, 39)), key: true, vindex: 'xxhash' };

function keyColumns(
  random: Random,
  picker: Column,
  partitioned: boolean,
  sharded: boolean,
  names: (i: number) => string,
): Column[] {
  if (!sharded && random.chance(0.06)) return [];
  const made = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, (_, i) => ({
    name: names(50 + i),
    kind: randomKeyKind(random),
    nullable: false,
  }));
  const columns = partitioned ? [...made, picker] : made;
  const fit = columns.some(({ kind }) => kind.vindex !== undefined);
  return sharded && !fit ? [...columns, picker] : columns;
}

function vindexOf(random: Random, keyed: readonly Column[]): Table['vindex'] {
  const { name, kind } = random.pick(keyed.filter((column) => column.kind.vindex !== undefined));
  return { column: name, name: kind.vindex ?? '' };
}

function randomColumn(random: Random, name: string, partitioned: boolean): Column {
  for (;;) {
    const kind = randomKind(random);
    if (partitioned && kind.spatial === true) continue;
    const nullable = random.chance(0.5);
    const plain = kind.spatial !== true && kind.prefix === undefined && !/^(json|vector)/.test(kind.type);
    return { name, kind, nullable, ...(plain && random.chance(0.2) ? { default: kind.value(random) } : {}) };
  }
}

interface Parts {
  columns: readonly Column[];
  keyed: readonly Column[];
  key: Table['key'];
  picker: Column;
  partitioned: boolean;
}

function definitionOf(random: Random, parts: Parts): string {
  const { columns, keyed, key, picker, partitioned } = parts;
  const lines = [
    ...columns.map((column) => columnLine(random, column, keyed.includes(column))),
    ...generatedLines(random, columns, picker),
    ...(key === 'none' ? [] : [`${key === 'primary' ? 'primary key' : 'unique key `the key`'} (${list(keyed)})`]),
    ...indexLines(random, columns),
  ];
  const ranges = [0, 1, 2].map((i) => `partition p${i} values less than (${10 * (i + 1)})`);
  const partitions = `\npartition by range (${id(picker.name)}) (${ranges.join(', ')}, partition p3 values less than maxvalue)`;
  const charset = random.pick(['', ' default charset latin1', ' default charset utf8mb4 collate utf8mb4_bin']);
  return `(\n  ${lines.join(',\n  ')}\n)${charset}${partitioned ? partitions : ''}`;
}

const list = (columns: readonly Column[]): string => columns.map(({ name }) => id(name)).join(', ');

function columnLine(random: Random, column: Column, keyed: boolean): string {
  const { name, kind, nullable } = column;
  const invisible = !keyed && random.chance(0.1) ? ' invisible' : '';
  const value = column.default === undefined ? '' : ` default (${column.default})`;
  const stamped = /^(timestamp|datetime)(\(\d\))/.exec(kind.type);
  const now = `current_timestamp${stamped?.[2] ?? ''}`;
  const updated = stamped !== null && !keyed && random.chance(0.3) ? ` default ${now} on update ${now}` : value;
  const srid = / srid \d+$/.exec(kind.type)?.[0] ?? '';
  const type = kind.type.slice(0, kind.type.length - srid.length);
  return `${id(name)} ${type} ${nullable ? 'null' : 'not null'}${srid}${updated}${invisible}`;
}

/** Virtual and stored ones; none from FLOAT, whose loss they would show once more. */
function generatedLines(random: Random, columns: readonly Column[], picker: Column): string[] {
  if (random.chance(0.6)) return [];
  const from = random.pick(columns.filter(({ kind }) => kind.type !== 'float' && kind.spatial !== true));
  const number = id(picker.name);
  const made = random.pick([
    `int generated always as (${number} * 2 + 1)`,
    `varchar(60) generated always as (concat('<', ${number}, '>'))`,
    `json generated always as (json_array(${number}, 'x'))`,
    `varchar(20) character set ascii generated always as (left(hex(${id(from.name)}), 20))`,
    `int generated always as (length(${id(from.name)}))`,
  ]);
  // MySQL takes no VECTOR for them.
  if (from.kind.type.startsWith('vector') && made.includes(id(from.name))) return [];
  return [`\`made of it\` ${made} ${random.pick(['virtual', 'stored'])}`];
}

function indexLines(random: Random, columns: readonly Column[]): string[] {
  const fit = columns.filter(({ kind }) => kind.key === true || kind.prefix !== undefined);
  return Array.from({ length: random.pick([0, 0, 1, 2]) }, (_, i) => {
    const parts = random
      .some(fit, random.int(1, 2))
      .map(({ name, kind }) => `${id(name)}${kind.prefix === undefined ? '' : `(${kind.prefix})`}`);
    return `key \`index ${i}\` (${parts.join(', ')})`;
  });
}
