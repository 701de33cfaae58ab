import type { QueryResult } from '../wire/query_pb.js';

/** A row by column name; SQL NULL is `null`. Values are the text MySQL sends. */
export type NamedRow = Record<string, string | null>;

/** Vitess's packed rows (`query.Row`: lengths and one run of bytes) as rows by column name. */
export function namedRows(result: QueryResult | undefined): NamedRow[] {
  if (result === undefined) return [];
  const names = result.fields.map((field) => field.name);
  return result.rows.map((row) => {
    const named: NamedRow = {};
    let offset = 0;
    row.lengths.forEach((length, column) => {
      const size = Number(length);
      named[names[column] ?? String(column)] =
        size < 0 ? null : Buffer.from(row.values.subarray(offset, offset + size)).toString();
      offset += Math.max(size, 0);
    });
    return named;
  });
}
