import { defineCheck } from '../check.js';
import { foreignKeysOf } from '../foreign-keys.js';

/** What a foreign key changes by itself may be missing in the binary log. */
export const foreignKeyCascade = defineCheck({
  name: 'foreign-key-cascade',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: (facts) =>
    foreignKeysOf(facts)
      .filter(({ actions }) => actions.length > 0)
      .map(({ what, place, actions }) => ({
        message: `${what} with ${actions.join(' and ')}; MySQL may not write such changes to the binary log`,
        place,
        remedy:
          'do not update or delete parent rows during the migration, or drop the constraint in the source; ' +
          'VDiff shows what was missed',
      })),
});
