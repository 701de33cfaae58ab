import { requiredFact } from '../fact.js';

export const sourceShards = requiredFact({
  name: 'sourceShards',
  needs: ['mount'],
  read: (sides, { mount }) => {
    const source = sides.source(mount);
    return sides.one(source.place(), () => source.shards());
  },
});
