import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace, tablesOf, tellingKeys } from '../tables.js';
import { list } from '../words.js';

/** A table without a key has no VECTOR column: streams find its rows by all columns, and MySQL compares no VECTOR. */
export const vectorKey = defineCheck({
  name: 'vector-key',
  severity: 'error',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      if (tellingKeys(table).length > 0) return [];
      const names = table.columns.filter(({ type }) => /^vector\b/i.test(type)).map(({ name }) => quoteName(name));
      if (names.length === 0) return [];
      return [
        {
          message:
            `table ${quoteName(table.name)} has no key, so that its rows are found by all columns, ` +
            `and MySQL does not compare VECTOR columns: ${list(names)}`,
          place: sourcePlace(plan, { table: table.name }),
          remedy: 'add a primary key in the source, or leave the table out: its first change would stop the stream',
        },
      ];
    }),
});
