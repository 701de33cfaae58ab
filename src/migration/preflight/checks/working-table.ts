import { workingTableOf } from '../../plan/internal-table.js';
import { sourceTables, tableNames } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** No schema change is at work on the source: it ends with a RENAME, which streams do not follow. */
export const workingTable = defineCheck({
  name: 'working-table',
  severity: 'warning',
  needs: ['plan', 'sourceSchemas'],
  judge: ({ plan, sourceSchemas }) => {
    const known = sourceTables({ sourceSchemas });
    const planned = new Set(tableNames(plan));
    return [...known.keys()].flatMap((name) => {
      const change = workingTableOf(name);
      if (change === undefined || !known.has(change.table)) return [];
      if (!planned.has(name) && !planned.has(change.table)) return [];
      return [
        {
          message: `${quoteName(name)} looks like a working table of ${change.program} for ${quoteName(change.table)}`,
          place: sourcePlace(plan, { table: name }),
          remedy:
            'let the schema change end first: it renames the tables, and the streams do not follow a rename; ' +
            'if none runs, drop the working table, or leave it out with -exclude and accept this warning',
        },
      ];
    });
  },
});
