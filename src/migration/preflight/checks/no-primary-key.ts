import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace, tablesOf, tellingKeys } from '../tables.js';

/** Every table has a key that tells its rows apart. */
export const noPrimaryKey = defineCheck({
  name: 'no-primary-key',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails)
      .filter((table) => tellingKeys(table).length === 0)
      .map(({ name }) => ({
        message: `table ${quoteName(name)} has neither a primary key nor a unique key without NULLs`,
        place: sourcePlace(plan, { table: name }),
        remedy:
          'add one in the source: without it, a change to one row may apply to every identical row, ' +
          'and a resumed copy may duplicate rows',
      })),
});
