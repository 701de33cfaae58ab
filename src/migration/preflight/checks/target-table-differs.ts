import { defineCheck } from '../check.js';
import { compareTables } from '../compare-tables.js';
import { list } from '../words.js';

/** Tables that the target has already are like the source's. */
export const targetTableDiffers = defineCheck({
  name: 'target-table-differs',
  severity: 'warning',
  needs: ['request', 'journals', 'sourceDetails', 'targetDetails'],
  judge: (facts) =>
    compareTables(facts)
      .filter(({ different }) => different.length > 0)
      .map(({ name, place, different }) => ({
        message: `table ${name} of the target differs from the source's: ${list(different)}`,
        place,
        remedy: 'drop it so that Create makes it from the source, or make sure that every row fits',
      })),
});
