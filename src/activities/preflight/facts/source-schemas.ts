import { omissions } from '../../../migration/plan/plan.js';
import { definitionWithout } from '../../../migration/sql/definition.js';
import { requiredFact } from '../fact.js';

/** With the definitions that the target is to have. */
export const sourceSchemas = requiredFact({
  name: 'sourceSchemas',
  needs: ['request', 'mount', 'sourceShards', 'targetVSchema'],
  read: (sides, { request, mount, sourceShards, targetVSchema }) => {
    const source = sides.source(mount);
    const lacking = omissions(request.input, targetVSchema);
    return sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      async ({ name }) => {
        const tables = await source.tables(name);
        return {
          shard: name,
          tables: tables.map((table) => ({ ...table, ddl: definitionWithout(lacking, table.ddl) })),
        };
      },
    );
  },
});
