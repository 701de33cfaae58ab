import { targetPlace } from '../../plan/plan.js';
import { entryOf } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { tablesOf } from '../tables.js';

/** AUTO_INCREMENT columns of a sharded target have a sequence. */
export const autoIncrement = defineCheck({
  name: 'auto-increment',
  severity: 'notice',
  needs: ['plan', 'sourceDetails', 'targetVSchema'],
  judge: ({ plan, sourceDetails, targetVSchema }) =>
    tablesOf(sourceDetails).flatMap((table) => {
      const column = table.columns.find(({ autoIncrement }) => autoIncrement);
      const entry = entryOf(targetVSchema, table.name);
      if (!plan.target.sharded || column === undefined) return [];
      if (entry?.type === 'reference' || entry?.autoIncrement !== undefined) return [];
      return [
        {
          message:
            `column ${quoteName(column.name)} of table ${quoteName(table.name)} is AUTO_INCREMENT: ` +
            (plan.removeAutoIncrement === true
              ? 'the tables of the target are not'
              : 'each shard of the target would count for itself'),
          place: targetPlace(plan, { table: table.name }),
          remedy:
            'give the table a sequence in the target VSchema ("auto_increment") before Complete; ' +
            'start it above the highest value, or set initializeTargetSequences',
        },
      ];
    }),
});
