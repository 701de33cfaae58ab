import type { VSchemaFacts } from './facts.js';
import { entryOf } from './vindex.js';

/** A column whose numbers vtgate takes from a sequence: `auto_increment` in the entry of its table. */
export interface SequenceUse {
  table: string;
  column: string;
  sequence: SequenceName;
}

export interface SequenceName {
  /** Undefined when the VSchema names the table only: vtgate then looks for it in every keyspace. */
  keyspace: string | undefined;
  table: string;
}

/** The columns of these tables that a VSchema gives a sequence. */
export function sequencesOf(tables: readonly string[], vschema: VSchemaFacts): SequenceUse[] {
  return tables.flatMap((table) => {
    const use = entryOf(vschema, table)?.autoIncrement;
    return use === undefined ? [] : [{ table, column: use.column, sequence: parseSequenceName(use.sequence) }];
  });
}

/** The largest of the values that are known. */
export function largestOf(values: readonly (bigint | undefined)[]): bigint | undefined {
  return values.reduce((most, value) => (most === undefined || (value ?? most) > most ? value : most), undefined);
}

/** The largest number that fits into `next_id`. */
const mostNextId = 2n ** 63n - 1n;

/** The first number of a sequence above these keys, undefined for none; undefined when there is no such number. */
export function nextAfter(largest: bigint | undefined): bigint | undefined {
  if (largest === undefined || largest < 0n) return 1n;
  return largest < mostNextId ? largest + 1n : undefined;
}

/** `commerce.seq`, `seq`, either part with or without backticks. */
function parseSequenceName(text: string): SequenceName {
  const parts = text.match(/`(?:[^`]|``)+`|[^.`]+/g) ?? [];
  const [table = '', keyspace] = parts
    .map((part) => (part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part))
    .reverse();
  return { keyspace, table };
}
