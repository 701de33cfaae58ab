import { quoteName } from '../../sql/quote.js';
import { hasRowKey } from '../../sql/table-definition.js';
import { defineCheck } from '../check.js';
import { definitionsOf } from '../tables.js';
import { list } from '../words.js';

/** Tables that Create makes without the invisible primary key that the target's MySQL would give them. */
export const invisiblePrimaryKey = defineCheck({
  name: 'invisible-primary-key',
  severity: 'notice',
  needs: ['plan', 'sourceSchemas', 'targetServers'],
  variables: ['sql_generate_invisible_primary_key'],
  judge: ({ plan, sourceSchemas, targetServers }) => {
    const keyless = definitionsOf(plan, sourceSchemas).filter(({ definition }) => !hasRowKey(definition));
    return targetServers.flatMap(({ place, variables }) => {
      const missing = new Set(plan.missingTables[place.shard ?? '']);
      const made = keyless.filter(({ name }) => missing.has(name)).map(({ name }) => quoteName(name));
      if (variables['sql_generate_invisible_primary_key'] !== 'ON' || made.length === 0) return [];
      return [
        {
          message:
            'sql_generate_invisible_primary_key is ON in the target, ' +
            `and tables are created as they are in the source, without such a key: ${list(made)}`,
          place,
          remedy:
            'no action needed: Create switches it off for its session. Better, give them a primary key in the source',
        },
      ];
    });
  },
});
