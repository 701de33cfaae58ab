import { targetPlace, tableNames } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { list } from '../words.js';

/** Tables whose name alone no longer says which keyspace is meant, once both are in a VSchema. */
export const ambiguousName = defineCheck({
  name: 'ambiguous-name',
  severity: 'notice',
  needs: ['plan', 'otherTables'],
  judge: ({ plan, otherTables }) =>
    Object.entries(otherTables).flatMap(([keyspace, tables]) => {
      const others = new Set(tables);
      const shared = tableNames(plan).filter((table) => others.has(table));
      if (shared.length === 0) return [];
      return [
        {
          message: `keyspace ${keyspace} has tables of the same names: ${list(shared.map(quoteName))}`,
          place: targetPlace(plan),
          remedy: 'after Complete, name the keyspace in queries: vtgate refuses a name that two keyspaces have',
        },
      ];
    }),
});
