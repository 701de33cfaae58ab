import { matchesOf } from '../../../migration/watch/stream.js';
import { requiredFact } from '../fact.js';

export const targetStreams = requiredFact({
  name: 'targetStreams',
  // A tablet that does not answer is not asked again: it counts as one error, not two.
  needs: ['targetPrimaries', 'targetTables'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ tablet, place }, shard) => ({
      place,
      shard,
      workflows: (await tablet.workflows()).map((each) => ({ workflow: each.workflow, rules: matchesOf(each) })),
    })),
});
