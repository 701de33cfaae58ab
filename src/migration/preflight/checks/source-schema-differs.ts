import { tableNames } from '../../plan/plan.js';
import { sameDefinition } from '../../sql/definition.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck, type Found } from '../check.js';
import { sourcePlace } from '../tables.js';

/** Every source shard has the same definition of each table that is moved. */
export const sourceSchemaDiffers = defineCheck({
  name: 'source-schema-differs',
  severity: 'error',
  needs: ['plan', 'sourceSchemas'],
  judge: ({ plan, sourceSchemas }) => {
    const shards = sourceSchemas.map(({ shard, tables }) => ({
      shard,
      definitions: new Map(tables.map(({ name, ddl }) => [name, ddl])),
    }));
    return tableNames(plan).flatMap((table) => {
      const first = shards.find(({ definitions }) => definitions.has(table));
      return shards.flatMap(({ shard, definitions }): Found[] => {
        const ddl = definitions.get(table);
        if (first === undefined || sameDefinition(ddl, first.definitions.get(table) ?? '')) return [];
        const what =
          ddl === undefined ? 'is not on this shard, but on' : 'has another definition on this shard than on';
        return [
          {
            message: `table ${quoteName(table)} ${what} shard ${first.shard}`,
            place: sourcePlace(plan, { shard, table }),
            remedy: 'give the table the same definition on every source shard, or leave it out with -exclude',
          },
        ];
      });
    });
  },
});
