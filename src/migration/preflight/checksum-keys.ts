import { agreeOnTable, type ChecksumTable } from '../checksum/columns.js';
import type { ColumnFacts, TableFacts } from '../plan/table-facts.js';
import { quoteName } from '../sql/quote.js';
import type { Found } from './check.js';
import type { Facts } from './facts.js';
import { sourcePlace, tablesOf } from './tables.js';
import { list } from './words.js';

/** Bytes from which on comparing a table with one statement is worth a warning: MySQL reads that in about a minute. */
export const largeTable = 1024 ** 3;

/** Tables whose rows the checksums compare without a key, or with less of it than the source's table has. */
export interface WithoutKey extends Found {
  /** Of the source's estimate. */
  bytes: number;
}

type Needed = Pick<Facts, 'plan' | 'sourceDetails' | 'targetDetails'>;

/**
 * Each planned table of the source with what the target's shards have of that name already. One that lacks a column is
 * left out: `target-table-incompatible` refuses it.
 */
export function bothSides({ sourceDetails, targetDetails }: Omit<Needed, 'plan'>): [TableFacts, TableFacts[]][] {
  return tablesOf(sourceDetails).map((table) => [
    table,
    targetDetails.flatMap(({ tables }) =>
      tables.filter(({ name, columns }) => name === table.name && has(columns, table)),
    ),
  ]);
}

function has(columns: readonly ColumnFacts[], source: TableFacts): boolean {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  return source.columns.every(({ name, generated }) => generated || names.has(name.toLowerCase()));
}

/** Every planned table that cannot be compared in parts, or in larger parts than need be. */
export function withoutKey({ plan, ...details }: Needed): WithoutKey[] {
  const bytes = new Map(plan.tables.map((table) => [table.name, table.bytes]));
  return bothSides(details).flatMap(([source, targets]) => {
    const conversions = { zone: plan.stream.sourceTimeZone };
    const alone = agreeOnTable(source, [source], conversions);
    const agreed = agreeOnTable(source, [source, ...targets], conversions);
    if (typeof alone === 'string' || typeof agreed === 'string') return [];
    const lost = alone.key[agreed.key.length];
    if (agreed.key.length > 0 && (lost === undefined || agreed.key[0]?.name !== alone.key[0]?.name)) return [];
    return [
      {
        message: `${howCompared(source, agreed)}: ${lost === undefined ? noKey : unlike(lost.name, source, targets)}`,
        place: sourcePlace(plan, { table: source.name }),
        remedy: lost === undefined ? giveKey : makeAlike,
        bytes: bytes.get(source.name) ?? 0,
      },
    ];
  });
}

const noKey = 'it has no key that can be cut into parts';
const giveKey =
  'give it a primary key, or a unique key without NULLs, that begins with numbers, dates or strings, in the source; ' +
  'or accept it: the comparison reads the whole table again when a row changes, and may never end';
const makeAlike = 'drop the table of the target so that Create makes it from the source, or make that column alike';

function howCompared({ name }: TableFacts, { key }: ChecksumTable): string {
  const columns = list(key.map((column) => quoteName(column.name)));
  const how = key.length === 0 ? 'as a whole, with one statement each time' : `in parts by ${columns} only`;
  return `the checksums read table ${quoteName(name)} ${how}`;
}

/** A column of the key that is not the same on both sides, in words. */
function unlike(name: string, source: TableFacts, targets: readonly TableFacts[]): string {
  const of = ({ columns }: TableFacts) => columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  const ours = describe(of(source));
  const theirs = targets.map((target) => describe(of(target))).find((each) => each !== ours) ?? ours;
  return `column ${quoteName(name)} of its key is ${ours} in the source and ${theirs} in the target`;
}

function describe(column: ColumnFacts | undefined): string {
  if (column === undefined) return 'missing';
  const { type, collation, nullable } = column;
  return `${type}${collation === '' ? '' : ` collate ${collation}`}${nullable ? ' null' : ' not null'}`;
}
