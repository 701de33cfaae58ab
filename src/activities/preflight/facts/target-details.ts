import { tableNames } from '../../../migration/plan/plan.js';
import { optionalFact } from '../fact.js';

export const targetDetails = optionalFact({
  name: 'targetDetails',
  what: 'the tables that are there',
  needs: ['targetPrimaries', 'targetTables'],
  read: (sides, { plan, targetPrimaries, targetTables }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }, shard) => {
      const there = new Set(targetTables.find((each) => each.shard === shard)?.tables);
      return {
        place,
        shard,
        tables: await tablet.tableDetails(tableNames(plan).filter((name) => there.has(name))),
      };
    }),
});
