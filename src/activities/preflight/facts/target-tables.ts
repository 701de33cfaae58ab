import { requiredFact } from '../fact.js';

export const targetTables = requiredFact({
  name: 'targetTables',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ tablet }, shard) => ({
      shard,
      tables: await tablet.tableNames(),
    })),
});
