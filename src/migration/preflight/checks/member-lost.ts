import type { ColumnFacts } from '../../plan/table-facts.js';
import { quoteName } from '../../sql/quote.js';
import { charsetOf } from '../../checksum/columns.js';
import { defineCheck } from '../check.js';
import { sourcePlace, tablesOf } from '../tables.js';

/** Charsets with characters of which a definition has only a question mark: MySQL keeps definitions in utf8mb3. */
const wide = ['utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030'];
/** Of a SET: the most that MySQL allows. */
const mostMembers = 64;

/** ENUM and SET columns keep all of their members. */
export const memberLost = defineCheck({
  name: 'member-lost',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap((table) =>
      table.columns.flatMap((column) =>
        reasons(column).map((reason) => ({
          message: `column ${quoteName(column.name)} of table ${quoteName(table.name)} may lose values: ${reason}`,
          place: sourcePlace(plan, { table: table.name }),
          remedy:
            'change the members in the source first; or leave the table out with -exclude; ' +
            'or accept it where no row has such a value: the checksums show rows that do',
        })),
      ),
    ),
});

function reasons(column: ColumnFacts): string[] {
  const kind = /^(enum|set)\(/i.exec(column.type)?.[1]?.toLowerCase();
  if (kind === undefined) return [];
  const members = membersOf(column.type);
  const unknown = wide.includes(charsetOf(column)) ? members.filter((member) => member.includes('?')) : [];
  return [
    ...unknown.map(
      (member) =>
        `MySQL shows a member as ${member}, in which a question mark stands for any character of four bytes; ` +
        'with such a character, the copy writes the empty value instead',
    ),
    ...(kind === 'set' && members.length === mostMembers ? ['replication leaves out the 64th member of a SET'] : []),
    ...(kind === 'set' && members.includes('')
      ? ['the copy leaves out a member of a SET that is the empty string']
      : []),
  ];
}

/** The members of `enum('a','it''s')`. */
function membersOf(type: string): string[] {
  return [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, member = '']) => member.replaceAll("''", "'"));
}
