import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { floatColumns, sourcePlace, tablesOf, tellingKeys } from '../tables.js';
import { list } from '../words.js';

/** Rows are found by values that the copy has not rounded. Without a key, every column tells rows apart. */
export const floatKey = defineCheck({
  name: 'float-key',
  severity: 'error',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const keys = tellingKeys(table);
      const keyed = new Set(keys.flatMap(({ columns }) => columns));
      const names = floatColumns(table).filter((name) => keys.length === 0 || keyed.has(name));
      if (names.length === 0) return [];
      const how = keys.length === 0 ? 'has no key, so that its rows are found by' : 'has a key with';
      return [
        {
          message:
            `table ${quoteName(table.name)} ${how} FLOAT columns, which the copy rounds: ` + list(names.map(quoteName)),
          place: sourcePlace(plan, { table: table.name }),
          remedy: 'make them DOUBLE in the source first, or leave the table out: later changes would miss their rows',
        },
      ];
    }),
});
