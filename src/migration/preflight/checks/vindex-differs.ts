import type { VSchemaFacts } from '../../plan/facts.js';
import { targetPlace, tableNames } from '../../plan/plan.js';
import { primaryVindex, isSameChoice } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** The primary vindex of a table is the same in a sharded source. */
export const vindexDiffers = defineCheck({
  name: 'vindex-differs',
  severity: 'notice',
  needs: ['plan', 'sourceVSchema', 'targetVSchema'],
  judge: ({ plan, sourceVSchema, targetVSchema }) =>
    tableNames(plan).flatMap((table) => {
      if (!sourceVSchema.sharded || !targetVSchema.sharded) return [];
      const [theirs, ours] = [primaryVindex(sourceVSchema, table), primaryVindex(targetVSchema, table)];
      if (theirs === undefined || ours === undefined || targetVSchema.vindexes[ours.name] === undefined) return [];
      if (isSameChoice(theirs, sourceVSchema, ours, targetVSchema)) return [];
      return [
        {
          message:
            `table ${quoteName(table)} is sharded by ${describe(theirs, sourceVSchema)} in the source ` +
            `and by ${describe(ours, targetVSchema)} in the target`,
          place: targetPlace(plan, { table }),
          remedy: 'no action needed: every target shard then reads every source shard',
        },
      ];
    }),
});

function describe(vindex: { name: string; columns: string[] }, vschema: VSchemaFacts): string {
  return `${vschema.vindexes[vindex.name]?.type ?? vindex.name}(${vindex.columns.map(quoteName).join(', ')})`;
}
