import { requiredFact } from '../fact.js';

export const targetStreams = requiredFact({
  name: 'targetStreams',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ tablet, place }, shard) => ({
      place,
      shard,
      workflows: (await tablet.workflows()).map(({ workflow, tables }) => ({ workflow, rules: tables })),
    })),
});
