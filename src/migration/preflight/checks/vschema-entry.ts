import { targetPlace, tableNames } from '../../plan/plan.js';
import { entryOf } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** Every table is in the VSchema of a sharded target. */
export const vschemaEntry = defineCheck({
  name: 'vschema-entry',
  severity: 'error',
  needs: ['plan', 'targetVSchema'],
  again: 'complete',
  judge: ({ plan, targetVSchema }) =>
    tableNames(plan)
      .filter((table) => targetVSchema.sharded && entryOf(targetVSchema, table) === undefined)
      .map((table) => ({
        message: `table ${quoteName(table)} is not in the VSchema of the sharded target`,
        place: targetPlace(plan, { table }),
        remedy: 'add it with a primary vindex (vtctldclient ApplyVSchema), or leave it out with -exclude',
        code: 'VSCHEMA_TABLE_MISSING',
      })),
});
