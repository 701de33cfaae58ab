import { withoutForeignKeys } from '../../../migration/sql/definition.js';
import { requiredFact } from '../fact.js';

/** With the definitions that the target is to have. */
export const sourceSchemas = requiredFact({
  name: 'sourceSchemas',
  needs: ['request', 'mount', 'sourceShards'],
  read: (sides, { request, mount, sourceShards }) => {
    const source = sides.source(mount);
    const wanted = (ddl: string) => (request.input.dropForeignKeys ? withoutForeignKeys(ddl) : ddl);
    return sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      async ({ name }) => {
        const tables = await source.tables(name);
        return { shard: name, tables: tables.map((table) => ({ ...table, ddl: wanted(table.ddl) })) };
      },
    );
  },
});
