import { matchesOf } from '../../../migration/watch/stream.js';
import { requiredFact } from '../fact.js';

export const targetStreams = requiredFact({
  name: 'targetStreams',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ tablet, place }, shard) => ({
      place,
      shard,
      workflows: (await tablet.workflows()).map((each) => ({ workflow: each.workflow, rules: matchesOf(each) })),
    })),
});
