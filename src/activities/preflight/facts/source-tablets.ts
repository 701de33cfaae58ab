import { requiredFact } from '../fact.js';

export const sourceTablets = requiredFact({
  name: 'sourceTablets',
  needs: ['mount', 'sourceShards'],
  read: async (sides, { mount, sourceShards }) => {
    const source = sides.source(mount);
    const perShard = await sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      ({ name }) => source.tablets(name),
    );
    return { ...perShard, value: perShard.value.flat() };
  },
});
