import { requiredFact } from '../fact.js';

export const targetPrimaries = requiredFact({
  name: 'targetPrimaries',
  needs: ['targetShards'],
  read: (sides, { targetShards }) =>
    sides.each(
      targetShards,
      ({ name }) => sides.targetPlace({ shard: name }),
      async ({ name: shard }) => {
        const { place, tablet } = await sides.primary(shard);
        return { place, shard, hostname: tablet.hostname };
      },
    ),
});
