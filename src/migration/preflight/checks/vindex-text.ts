import { targetPlace } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { charsetOf, tablesOf, textVindex, wideCharsets } from '../tables.js';

/**
 * No primary vindex hashes a column whose text is one in the copy and another in the binary log, so that the shards of
 * a row differ: the leading zeros of ZEROFILL, and charsets that are never like UTF-8, which the copy and vtgate have.
 */
export const vindexText = defineCheck({
  name: 'vindex-text',
  severity: 'error',
  needs: ['plan', 'sourceDetails', 'targetVSchema'],
  judge: ({ plan, sourceDetails, targetVSchema }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const { name, columns } = textVindex(table, targetVSchema);
      return columns.flatMap((column) => {
        const isFilled = /zerofill/i.test(column.type);
        if (!isFilled && !wideCharsets.includes(charsetOf(column))) return [];
        return [
          {
            message:
              `column ${quoteName(column.name)} of table ${quoteName(table.name)} is ` +
              `${isFilled ? column.type : `in ${charsetOf(column)}`}, and its primary vindex ${name} hashes the text ` +
              `of it: the copy has ${isFilled ? 'the leading zeros' : 'UTF-8'}, and later changes have not`,
            place: targetPlace(plan, { table: table.name }),
            remedy: isFilled
              ? 'take ZEROFILL from the column in the source; or use a vindex of numbers, such as hash; ' +
                'or leave the table out with -exclude'
              : 'convert the column to utf8mb4 in the source; or use a vindex of another column; ' +
                'or leave the table out with -exclude',
          },
        ];
      });
    }),
});
