import { sourceTables } from '../../plan/plan.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** Something is left to move. Names that do not exist are findings of `table-exists`. */
export const noTables = defineCheck({
  name: 'no-tables',
  severity: 'error',
  needs: ['request', 'plan', 'sourceSchemas'],
  judge: ({ request: { input }, plan, sourceSchemas }) => {
    const known = sourceTables({ sourceSchemas });
    const named = [...(input.tables ?? []), ...input.exclude];
    if (plan.tables.length > 0 || named.some((name) => !known.has(name))) return [];
    return [
      {
        message: 'there is no table to move',
        place: sourcePlace(plan),
        remedy: 'check the keyspace of -source, -tables and -exclude',
        code: 'NO_TABLES',
      },
    ];
  },
});
