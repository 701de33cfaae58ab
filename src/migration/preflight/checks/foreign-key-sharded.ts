import { defineCheck } from '../check.js';
import { keptForeignKeysOf } from '../foreign-keys.js';

/** A sharded target checks foreign keys within each shard only. */
export const foreignKeySharded = defineCheck({
  name: 'foreign-key-sharded',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: (facts) =>
    keptForeignKeysOf(facts)
      .filter(() => facts.plan.target.sharded)
      .map(({ what, place }) => ({
        message: `${what}; a sharded target checks it within each shard only`,
        place,
        remedy:
          'give parent and child the same vindex on the same value, ' +
          'or leave the foreign keys out with -drop_foreign_keys',
      })),
});
