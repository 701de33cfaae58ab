import { targetPlace } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { charsetOf, tablesOf, textVindex, wideCharsets } from '../tables.js';

/** Charsets that are UTF-8, a part of it, or no text; and those of which `vindex-text` says more. */
const others = ['', 'binary', 'ascii', 'utf8', 'utf8mb3', 'utf8mb4', ...wideCharsets];

/**
 * Every text that a primary vindex hashes is in UTF-8: the copy and vtgate hash that, and a stream hashes the bytes of
 * the binary log, which are those of the column's charset.
 */
export const vindexCharset = defineCheck({
  name: 'vindex-charset',
  severity: 'warning',
  needs: ['plan', 'sourceDetails', 'targetVSchema'],
  judge: ({ plan, sourceDetails, targetVSchema }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const { name, columns } = textVindex(table, targetVSchema);
      return columns.flatMap((column) => {
        const charset = charsetOf(column);
        if (others.includes(charset)) return [];
        return [
          {
            message:
              `column ${quoteName(column.name)} of table ${quoteName(table.name)} is in ${charset}, ` +
              `and its primary vindex ${name} hashes the text of it: a value with other letters than those of ASCII ` +
              'comes to one shard in the copy and to another with later changes',
            place: targetPlace(plan, { table: table.name }),
            remedy:
              'accept it if all values are ASCII; otherwise convert the column to utf8mb4 in the source, ' +
              'use a vindex of another column, or leave the table out with -exclude',
          },
        ];
      });
    }),
});
