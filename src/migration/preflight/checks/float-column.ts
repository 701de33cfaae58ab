import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { floatColumns, sourcePlace, tablesOf } from '../tables.js';
import { list } from '../words.js';

/**
 * No column loses digits. A stream selects FLOAT as text of six digits (vstreamer/rowstreamer.go), and VDiff compares
 * the same text on both sides.
 */
export const floatColumn = defineCheck({
  name: 'float-column',
  severity: 'warning',
  needs: ['plan', 'request', 'sourceDetails'],
  judge: ({ plan, request, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const names = floatColumns(table);
      if (names.length === 0 || request.input.repairFloats.includes(table.name)) return [];
      return [
        {
          message:
            `table ${quoteName(table.name)} has FLOAT columns, of which the copy keeps six digits: ` +
            list(names.map(quoteName)),
          place: sourcePlace(plan, { table: table.name }),
          remedy:
            'name the table in repairFloats: they are then set from the source; or make them DOUBLE there first; or ' +
            'leave the table out; or accept the loss: VDiff cannot see it',
        },
      ];
    }),
});
