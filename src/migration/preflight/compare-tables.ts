import type { ColumnFacts, TableFacts } from '../plan/table-facts.js';
import type { Place } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';
import type { Facts } from './facts.js';
import { ownJournal, tablesOf } from './tables.js';
import { list } from './words.js';

/** A table that the target has already, against the source's: what breaks a stream, and what is only different. */
export interface TableComparison {
  /** Quoted where SQL needs it. */
  name: string;
  place: Place;
  broken: string[];
  different: string[];
}

/** Compares the tables that the target has already, other than those that this run has made from the source's. */
export function compareTables(
  facts: Pick<Facts, 'request' | 'journals' | 'sourceDetails' | 'targetDetails'>,
): TableComparison[] {
  const made = ownJournal(facts)?.createdTables ?? {};
  const source = new Map(tablesOf(facts.sourceDetails).map((table) => [table.name, table]));
  return facts.targetDetails.flatMap(({ place, shard, tables }) => {
    const own = new Set(made[shard]);
    return tables.flatMap((table) => {
      const theirs = source.get(table.name);
      if (theirs === undefined || own.has(table.name)) return [];
      return [{ name: quoteName(table.name), place: { ...place, table: table.name }, ...compare(theirs, table) }];
    });
  });
}

function compare(source: TableFacts, target: TableFacts): ColumnVerdict {
  const columns = [
    ...source.columns.map((column) => compareColumn(column, named(target, column.name))),
    ...target.columns.filter(({ name }) => named(source, name) === undefined).map((each) => extraColumn(target, each)),
  ];
  const different = [...columns.flatMap((column) => column.different), ...compareKeys(source, target)];
  if (target.triggers.length > 0)
    different.push(`the target has triggers, which copied rows would fire: ${list(target.triggers)}`);
  return { broken: columns.flatMap((column) => column.broken), different };
}

/** What about a column breaks a stream, and what is only different. */
interface ColumnVerdict {
  broken: string[];
  different: string[];
}

function compareColumn(source: ColumnFacts, target: ColumnFacts | undefined): ColumnVerdict {
  const name = quoteName(source.name);
  if (target === undefined)
    return {
      broken: source.generated ? [] : [`${name} is missing`],
      different: source.generated ? [`${name}, generated in the source, is missing`] : [],
    };
  // Vitess copies no generated column: one that is none in the target gets no value.
  if (source.generated && !target.generated) return { broken: [`${name} is not generated`], different: [] };
  if (!source.generated && target.generated) return { broken: [`${name} is generated`], different: [] };
  return { broken: [], different: differences(source, target) };
}

function extraColumn({ uniqueKeys }: TableFacts, column: ColumnFacts): ColumnVerdict {
  const name = quoteName(column.name);
  // A stream finds rows by the target's primary key.
  if (uniqueKeys.some((key) => key.name === 'PRIMARY' && key.columns.includes(column.name)))
    return { broken: [`${name} of its primary key is only in the target`], different: [] };
  if (column.nullable || column.hasDefault || column.generated || column.autoIncrement)
    return { broken: [], different: [`${name} is only in the target`] };
  return { broken: [`${name} is only in the target, NOT NULL and without a default`], different: [] };
}

function compareKeys(source: TableFacts, target: TableFacts): string[] {
  const [from, to] = [keysOf(source), keysOf(target)];
  return [
    ...from.filter((key) => !to.includes(key)).map((key) => `${key} is missing`),
    ...to.filter((key) => !from.includes(key)).map((key) => `${key} is only in the target`),
  ];
}

function named(table: TableFacts, column: string): ColumnFacts | undefined {
  return table.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
}

function differences(source: ColumnFacts, target: ColumnFacts): string[] {
  const name = quoteName(source.name);
  return [
    ...(source.type === target.type ? [] : [`${name} is ${target.type}, not ${source.type}`]),
    ...(source.collation === target.collation
      ? []
      : [`${name} has collation ${target.collation || 'none'}, not ${source.collation || 'none'}`]),
    ...(source.nullable && !target.nullable ? [`${name} is NOT NULL`] : []),
  ];
}

function keysOf(table: TableFacts): string[] {
  return table.uniqueKeys.map(
    ({ name, columns }) =>
      `${name === 'PRIMARY' ? 'the primary key' : 'a unique key'} on ${columns.map(quoteName).join(', ')}`,
  );
}
