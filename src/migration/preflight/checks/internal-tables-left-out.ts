import { internalTables } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';
import { list } from '../words.js';

/** Internal tables of Vitess, which `all` leaves out. */
export const internalTablesLeftOut = defineCheck({
  name: 'internal-tables-left-out',
  severity: 'notice',
  needs: ['request', 'plan', 'sourceSchemas'],
  judge: ({ request: { input }, plan, sourceSchemas }) => {
    const excluded = new Set(input.exclude);
    const left = internalTables({ sourceSchemas }).filter((name) => !excluded.has(name));
    if (input.tables !== undefined || left.length === 0) return [];
    return [
      {
        message: `tables with names of Vitess's internal tables are not moved: ${list(left.map(quoteName))}`,
        place: sourcePlace(plan),
        remedy: 'no action needed: no stream sends their rows; rename a table of yours that is called so by chance',
      },
    ];
  },
});
