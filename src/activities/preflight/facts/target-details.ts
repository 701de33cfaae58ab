import { tableNames } from '../../../migration/plan/plan.js';
import { readTables } from '../../../vitess/tablet/sql/server.js';
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
        tables: await readTables(
          tablet,
          tableNames(plan).filter((name) => there.has(name)),
        ),
      };
    }),
});
