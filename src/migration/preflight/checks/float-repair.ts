import { agreeOnFloats } from '../../checksum/floats.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace, tablesOf } from '../tables.js';

const unnamed = 'take it out of repairFloats';

/** FLOAT columns that are to be set from the source can be: each row is found by a key that both sides order alike. */
export const floatRepair = defineCheck({
  name: 'float-repair',
  severity: 'error',
  needs: ['plan', 'request', 'sourceDetails', 'targetDetails'],
  judge: ({ plan, request, sourceDetails, targetDetails }) => {
    const sources = tablesOf(sourceDetails);
    return request.input.repairFloats.flatMap((name) => {
      const place = sourcePlace(plan, { table: name });
      const table = sources.find((each) => each.name === name);
      if (table === undefined)
        return [{ message: `repairFloats names ${quoteName(name)}, which is not moved`, place, remedy: unnamed }];
      const targets = targetDetails.flatMap(({ tables }) => tables.filter((each) => each.name === name));
      const found = agreeOnFloats(table, targets.length === 0 ? [table] : targets);
      if (found === null)
        return [{ message: `table ${quoteName(name)} has no FLOAT columns to repair`, place, remedy: unnamed }];
      if (typeof found !== 'string') return [];
      return [
        {
          message: `the FLOAT columns of table ${quoteName(name)} cannot be set from the source: ${found}`,
          place,
          remedy: 'make them DOUBLE in the source first, or leave the table out',
        },
      ];
    });
  },
});
