import { defineCheck } from '../check.js';
import { compareTables } from '../compare-tables.js';
import { list } from '../words.js';

/** Tables that the target has already can take the source's rows. */
export const targetTableIncompatible = defineCheck({
  name: 'target-table-incompatible',
  severity: 'error',
  needs: ['request', 'journals', 'sourceDetails', 'targetDetails'],
  judge: (facts) =>
    compareTables(facts)
      .filter(({ broken }) => broken.length > 0)
      .map(({ name, place, broken }) => ({
        message: `table ${name} of the target cannot take the source's rows: ${list(broken)}`,
        place,
        remedy: 'drop it so that Create makes it from the source, or change it to fit',
      })),
});
