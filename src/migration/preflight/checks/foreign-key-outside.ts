import { defineCheck } from '../check.js';
import { foreignKeysOf } from '../foreign-keys.js';

/** Foreign keys reference tables that are moved too. */
export const foreignKeyOutside = defineCheck({
  name: 'foreign-key-outside',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: (facts) =>
    foreignKeysOf(facts)
      .filter(({ isMoved }) => !isMoved)
      .map(({ what, place }) => ({
        message: `${what}, which is not moved`,
        place,
        remedy:
          'move both tables, or drop the constraint in the source: in the target it would reference a missing table',
      })),
});
