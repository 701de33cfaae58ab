import { defineCheck } from '../check.js';
import { keptForeignKeysOf } from '../foreign-keys.js';

/** Foreign keys reference tables that are moved too. */
export const foreignKeyOutside = defineCheck({
  name: 'foreign-key-outside',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: (facts) =>
    keptForeignKeysOf(facts)
      .filter(({ isMoved }) => !isMoved)
      .map(({ what, place }) => ({
        message: `${what}, which is not moved`,
        place,
        remedy:
          'move both tables, or leave the foreign keys out with -drop_foreign_keys: ' +
          'in the target this one would reference a missing table',
      })),
});
