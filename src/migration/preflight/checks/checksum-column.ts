import { agreeOnTable } from '../../checksum/columns.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { bothSides } from '../checksum-keys.js';
import { sourcePlace } from '../tables.js';

/** The checksums know the type of every column, alike on both sides: without them Complete lacks the proof. */
export const checksumColumn = defineCheck({
  name: 'checksum-column',
  severity: 'warning',
  needs: ['plan', 'sourceDetails', 'targetDetails'],
  judge: ({ plan, ...details }) =>
    bothSides(details).flatMap(([source, targets]) => {
      const agreed = agreeOnTable(source, [source, ...targets]);
      if (typeof agreed !== 'string') return [];
      return [
        {
          message: `the rows of table ${quoteName(source.name)} cannot be compared by checksums: ${agreed}`,
          place: sourcePlace(plan, { table: source.name }),
          remedy:
            "leave the table out with -exclude; make the target's table like the source's; or accept it: " +
            'Complete then needs force, and nothing is known of these rows but VDiff',
        },
      ];
    }),
});
