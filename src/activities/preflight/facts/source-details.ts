import { tableNames } from '../../../migration/plan/plan.js';
import { optionalFact } from '../fact.js';

export const sourceDetails = optionalFact({
  name: 'sourceDetails',
  what: 'the columns and keys of the tables',
  needs: ['mount', 'sourceShards'],
  read: (sides, { plan, mount, sourceShards }) => {
    const source = sides.source(mount);
    return sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      async ({ name }) => ({ shard: name, tables: await source.tableDetails(name, tableNames(plan)) }),
    );
  },
});
