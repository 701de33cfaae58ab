import type { Random } from './random.js';
import { id, type Table } from './tables.js';
import { firstRows } from './writes.js';

/** A change of definition, or one that no row event tells of. */
export interface Ddl {
  kind: string;
  table: string;
  statements: string[];
  /** Tables that it leaves beside the moved ones. */
  leaves: string[];
}

type Maker = (random: Random, table: Table) => Omit<Ddl, 'kind' | 'table'>;

const beside = (table: Table, suffix: string): string => `${table.name}_${suffix}`;
const plain = (...statements: string[]) => ({ statements, leaves: [] });

const makers: Record<string, Maker> = {
  truncate: (_, { name }) => plain(`truncate table ${id(name)}`),
  'rename swap': (random, table) => {
    const [fresh, old] = [beside(table, 'fresh'), beside(table, 'before')];
    const rows = firstRows(random, { ...table, name: fresh }, 5);
    const swap = `rename table ${id(table.name)} to ${id(old)}, ${id(fresh)} to ${id(table.name)}`;
    return { statements: [`create table ${id(fresh)} like ${id(table.name)}`, ...rows, swap], leaves: [fresh, old] };
  },
  'drop and create': (random, table) =>
    plain(
      `drop table ${id(table.name)}`,
      `create table ${id(table.name)} ${table.definition}`,
      ...firstRows(random, table, 3),
    ),
  'add column': (random, { name }) =>
    plain(
      `alter table ${id(name)} add column ${id(`added ${random.int(0, 9999)}`)} ${random.pick([
        'int null',
        "varchar(10) not null default 'new'",
        'bigint not null default 7',
      ])}`,
    ),
  'add index': (random, { name, picker }) =>
    plain(`alter table ${id(name)} add index ${id(`added ${random.int(0, 9999)}`)} (${id(picker)})`),
};

const partitionMakers: Record<string, Maker> = {
  'truncate partition': (_, { name }) => plain(`alter table ${id(name)} truncate partition p0`),
  'drop partition': (_, { name }) => plain(`alter table ${id(name)} drop partition p1`),
  'exchange partition': (_, table) => {
    const other = beside(table, 'exchanged');
    return {
      statements: [
        `create table ${id(other)} like ${id(table.name)}`,
        `alter table ${id(other)} remove partitioning`,
        `alter table ${id(table.name)} exchange partition p2 with table ${id(other)}`,
      ],
      leaves: [other],
    };
  },
};

export function randomDdl(random: Random, table: Table): Ddl {
  const fit = { ...makers, ...(table.partitioned ? partitionMakers : {}) };
  const kind = random.pick(table.partitioned && random.chance(0.6) ? Object.keys(partitionMakers) : Object.keys(fit));
  const make = fit[kind];
  if (make === undefined) throw new Error(`there is no DDL ${kind}`);
  return { kind, table: table.name, ...make(random, table) };
}
