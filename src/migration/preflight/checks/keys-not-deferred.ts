import { neededKeys } from '../../plan/deferral.js';
import { sourceTables, tableNames } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** Secondary keys that were to be deferred, and cannot be: they are kept in all tables, for that is set by stream. */
export const keysNotDeferred = defineCheck({
  name: 'keys-not-deferred',
  severity: 'notice',
  needs: ['request', 'plan', 'sourceSchemas'],
  judge: ({ request, plan, sourceSchemas }) => {
    if (!request.input.deferSecondaryKeys) return [];
    const known = sourceTables({ sourceSchemas });
    return neededKeys(tableNames(plan).flatMap((name) => known.get(name) ?? [])).map(({ table, key, neededBy }) => ({
      message:
        `secondary keys are not deferred, in any table of this migration: ` +
        `${neededBy} needs key ${quoteName(key)} of table ${quoteName(table)} during the copy`,
      place: sourcePlace(plan, { table }),
      remedy:
        'no action needed: the copy takes longer. To defer the keys of the other tables, move this one in a ' +
        'migration of its own',
    }));
  },
});
