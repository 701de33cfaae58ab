import { defineCheck } from '../check.js';
import { tablesOf } from '../tables.js';

/** The target's MySQL knows every collation of the columns. */
export const collation = defineCheck({
  name: 'collation',
  severity: 'error',
  needs: ['sourceDetails', 'targetCollations'],
  judge: ({ sourceDetails, targetCollations }) =>
    targetCollations.flatMap(({ place, collations }) => {
      const known = new Set(collations);
      return tablesOf(sourceDetails).flatMap(({ name, columns }) => {
        const missing = columns.map(({ collation }) => collation).filter((each) => each !== '' && !known.has(each));
        return [...new Set(missing)].map((collation) => ({
          message: `collation ${collation} of table ${name} is not known to the target's MySQL`,
          place: { ...place, table: name },
          remedy: 'convert the table to a collation that both have, or use a MySQL for the target that has it',
        }));
      });
    }),
});
