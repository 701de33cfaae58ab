import { targetPlace } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { ownJournal } from '../tables.js';

/** Tables that the target has already are empty. Those that this run has made may be filled by its streams. */
export const targetTableEmpty = defineCheck({
  name: 'target-table-empty',
  severity: 'error',
  needs: ['request', 'journals', 'plan', 'filledTables'],
  judge: ({ request, journals, plan, filledTables }) => {
    const own = ownJournal({ request, journals })?.createdTables ?? {};
    return filledTables.flatMap(({ shard, tables }) => {
      const mine = new Set(own[shard]);
      return tables
        .filter((table) => !mine.has(table))
        .map((table) => ({
          message: `table ${quoteName(table)} has rows`,
          place: targetPlace(plan, { shard, table }),
          remedy: 'empty or drop it, or leave it out with -exclude',
          code: 'TARGET_TABLE_NOT_EMPTY',
        }));
    });
  },
});
