import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { tablesOf, sourcePlace } from '../tables.js';
import { list } from '../words.js';

/** Triggers are not copied. */
export const trigger = defineCheck({
  name: 'trigger',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails)
      .filter(({ triggers }) => triggers.length > 0)
      .map(({ name, triggers }) => ({
        message: `table ${quoteName(name)} has triggers, which are not copied: ${list(triggers)}`,
        place: sourcePlace(plan, { table: name }),
        remedy: 'make sure that something else does their work once applications write to the target',
      })),
});
