import { targetPlace } from '../../plan/plan.js';
import { primaryVindex } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck, type Found } from '../check.js';
import { tablesOf } from '../tables.js';

/** The columns that the primary vindex takes exist in the source's table. */
export const vindexColumn = defineCheck({
  name: 'vindex-column',
  severity: 'error',
  needs: ['plan', 'sourceDetails', 'targetVSchema'],
  judge: ({ plan, sourceDetails, targetVSchema }) =>
    tablesOf(sourceDetails).flatMap((table): Found[] => {
      const primary = targetVSchema.sharded ? primaryVindex(targetVSchema, table.name) : undefined;
      const has = (column: string) => table.columns.some(({ name }) => name.toLowerCase() === column.toLowerCase());
      const missing = primary?.columns.filter((column) => !has(column)) ?? [];
      return missing.map((column) => ({
        message:
          `table ${quoteName(table.name)} has no column ${quoteName(column)}, ` +
          `which its primary vindex ${primary?.name ?? ''} takes`,
        place: targetPlace(plan, { table: table.name }),
        remedy: 'correct the columns of the table in the target VSchema',
      }));
    }),
});
