import { targetPlace } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { hashedNulls } from '../vindex-values.js';

/** Columns of primary vindexes that may be NULL, where the vindex takes it. */
export const vindexNull = defineCheck({
  name: 'vindex-null',
  severity: 'notice',
  needs: ['plan', 'sourceDetails', 'targetVSchema'],
  judge: (facts) =>
    hashedNulls(facts).map(({ table, column, vindex }) => ({
      message:
        `column ${quoteName(column)} of table ${quoteName(table)} may be NULL: ` +
        `its primary vindex ${vindex} puts all such rows into one shard`,
      place: targetPlace(facts.plan, { table }),
      remedy: 'no action needed if they are few',
    })),
});
