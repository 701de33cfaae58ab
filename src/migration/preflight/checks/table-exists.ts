import { sourceTables } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** Tables that the input names. */
export const tableExists = defineCheck({
  name: 'table-exists',
  severity: 'error',
  needs: ['request', 'plan', 'sourceSchemas'],
  judge: ({ request: { input }, plan, sourceSchemas }) => {
    const known = sourceTables({ sourceSchemas });
    const unknown = [...(input.tables ?? []), ...input.exclude].filter((name) => !known.has(name));
    return [...new Set(unknown)].map((table) => ({
      message: `table ${quoteName(table)} does not exist`,
      place: sourcePlace(plan, { table }),
      remedy: suggest(table, [...known.keys()]),
      code: 'TABLE_NOT_FOUND',
    }));
  },
});

function suggest(name: string, known: string[]): string {
  const close = known.find((other) => other.toLowerCase() === name.toLowerCase());
  if (close !== undefined) return `did you mean ${close}? Table names are case sensitive`;
  const shown = known.slice(0, 10).join(', ');
  return known.length === 0
    ? 'the keyspace has no tables'
    : `the keyspace has ${shown}${known.length > 10 ? ` and ${known.length - 10} more` : ''}`;
}
