import { tableNames } from '../../../migration/plan/plan.js';
import { requiredFact } from '../fact.js';

export const filledTables = requiredFact({
  name: 'filledTables',
  needs: ['plan', 'targetPrimaries', 'targetTables'],
  read: (sides, { plan, targetPrimaries, targetTables }) => {
    const planned = new Set(tableNames(plan));
    return sides.ofPrimaries(targetPrimaries, async ({ tablet }, shard) => {
      const there = targetTables.find((each) => each.shard === shard)?.tables ?? [];
      return { shard, tables: await tablet.nonEmptyTables(there.filter((table) => planned.has(table))) };
    });
  },
});
