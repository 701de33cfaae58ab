import { optionalFact } from '../fact.js';

export const sourceViews = optionalFact({
  name: 'sourceViews',
  what: 'the views',
  needs: ['request', 'mount', 'sourceShards'],
  read: async (sides, { request, mount, sourceShards }) => {
    const source = sides.source(mount);
    const perShard = await sides.each(
      request.input.all ? sourceShards : [],
      ({ name }) => source.place({ shard: name }),
      ({ name }) => source.views(name),
    );
    return { ...perShard, value: [...new Set(perShard.value.flat())] };
  },
});
