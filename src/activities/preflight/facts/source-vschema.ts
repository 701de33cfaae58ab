import { requiredFact } from '../fact.js';

export const sourceVSchema = requiredFact({
  name: 'sourceVSchema',
  needs: ['mount', 'sourceShards'],
  read: (sides, { mount }) => {
    const source = sides.source(mount);
    return sides.one(source.place(), () => source.vschema());
  },
});
