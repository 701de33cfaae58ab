import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { tablesOf, sourcePlace } from '../tables.js';
import { list } from '../words.js';

/** Generated columns are not copied. */
export const generatedColumn = defineCheck({
  name: 'generated-column',
  severity: 'notice',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const generated = table.columns.filter((column) => column.generated).map(({ name }) => name);
      if (generated.length === 0) return [];
      return [
        {
          message: `table ${quoteName(table.name)} has generated columns: ${list(generated)}`,
          place: sourcePlace(plan, { table: table.name }),
          remedy: 'no action needed: the target computes them itself',
        },
      ];
    }),
});
