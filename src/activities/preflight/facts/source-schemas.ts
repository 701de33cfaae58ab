import { requiredFact } from '../fact.js';

export const sourceSchemas = requiredFact({
  name: 'sourceSchemas',
  needs: ['mount', 'sourceShards'],
  read: (sides, { mount, sourceShards }) => {
    const source = sides.source(mount);
    return sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      async ({ name }) => ({ shard: name, tables: await source.tables(name) }),
    );
  },
});
