import { requiredFact } from '../fact.js';

export const sourceCells = requiredFact({
  name: 'sourceCells',
  needs: ['mount', 'sourceShards'],
  read: (sides, { mount }) => {
    const source = sides.source(mount);
    return sides.one(source.place(), () => source.cells());
  },
});
