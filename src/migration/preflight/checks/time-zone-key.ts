import { isDatetime } from '../../checksum/columns.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace, tablesOf, tellingKeys } from '../tables.js';
import { list } from '../words.js';

/** No row is told apart by what is converted: Vitess's VDiff finds no column of that name then. */
export const timeZoneKey = defineCheck({
  name: 'time-zone-key',
  severity: 'warning',
  needs: ['request', 'plan', 'sourceDetails'],
  judge: ({ request, plan, sourceDetails }) => {
    if (request.input.sourceTimeZone === undefined) return [];
    return tablesOf(sourceDetails).flatMap((table) => {
      const keyed = new Set(tellingKeys(table).flatMap(({ columns }) => columns));
      const names = table.columns
        .filter((column) => keyed.has(column.name) && isDatetime(column))
        .map(({ name }) => name);
      if (names.length === 0) return [];
      return [
        {
          message:
            `the key of table ${quoteName(table.name)} has DATETIME columns that are converted ` +
            `(${list(names.map(quoteName))}), which Vitess's VDiff cannot compare`,
          place: sourcePlace(plan, { table: table.name }),
          remedy: 'leave the table out with -exclude; or accept it: VDiff ends with an error, and Complete needs force',
        },
      ];
    });
  },
});
