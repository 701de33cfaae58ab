import { isInternalTable } from '../../plan/internal-table.js';
import { tableNames } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** No table whose rows Vitess never sends is named: its copy would stay empty, and no VDiff would say so. */
export const internalTable = defineCheck({
  name: 'internal-table',
  severity: 'error',
  needs: ['plan'],
  judge: ({ plan }) =>
    tableNames(plan)
      .filter(isInternalTable)
      .map((table) => ({
        message: `${quoteName(table)} is the name of an internal table of Vitess, whose rows no stream sends`,
        place: sourcePlace(plan, { table }),
        remedy: 'leave it out of -tables, or rename it in the source if it is a table of yours',
      })),
});
