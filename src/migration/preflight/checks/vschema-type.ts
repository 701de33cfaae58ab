import { targetPlace, tableNames } from '../../plan/plan.js';
import { entryOf, tableType } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** A sequence or a reference table is one in an unsharded target too. An entry that is missing is made at Complete. */
export const vschemaType = defineCheck({
  name: 'vschema-type',
  severity: 'warning',
  needs: ['plan', 'sourceVSchema', 'targetVSchema'],
  again: 'complete',
  judge: ({ plan, sourceVSchema, targetVSchema }) =>
    tableNames(plan).flatMap((table) => {
      const entry = entryOf(targetVSchema, table);
      const type = tableType(sourceVSchema, table);
      if (targetVSchema.sharded || entry === undefined || type === '' || entry.type === type) return [];
      const what = entry.type === '' ? 'a plain table' : `a ${entry.type} table`;
      return [
        {
          message: `${quoteName(table)} is a ${type} table in the source's VSchema, and ${what} in the target's`,
          place: targetPlace(plan, { table }),
          remedy:
            `set "type": "${type}" in its entry (vtctldclient ApplyVSchema), ` +
            'or take the entry out: Complete adds it',
        },
      ];
    }),
});
