import { defineCheck } from '../check.js';
import { keptForeignKeysOf } from '../foreign-keys.js';

/** Foreign keys that no other check names. */
export const foreignKey = defineCheck({
  name: 'foreign-key',
  severity: 'notice',
  needs: ['plan', 'sourceDetails'],
  judge: (facts) =>
    keptForeignKeysOf(facts)
      .filter(({ isMoved, actions }) => isMoved && actions.length === 0 && !facts.plan.target.sharded)
      .map(({ what, place }) => ({
        message: `${what}; both are moved`,
        place,
        remedy: 'no action needed: rows are copied with foreign key checks off',
      })),
});
