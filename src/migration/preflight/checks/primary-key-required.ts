import type { Place } from '../../problem/errors.js';
import { quoteName } from '../../sql/quote.js';
import { hasRowKey } from '../../sql/table-definition.js';
import { defineCheck, type Found } from '../check.js';
import type { Facts } from '../facts.js';
import { definitionsOf } from '../tables.js';

/**
 * Where the target's MySQL wants primary keys, every table that Create makes has one. MySQL takes a unique key of whole
 * columns without NULLs for one, but a stream that defers secondary keys drops it.
 */
export const primaryKeyRequired = defineCheck({
  name: 'primary-key-required',
  severity: 'error',
  needs: ['plan', 'sourceSchemas', 'targetServers', 'targetDetails'],
  variables: ['sql_require_primary_key'],
  judge: ({ plan, sourceSchemas, targetServers, targetDetails }) => {
    const tables = definitionsOf(plan, sourceSchemas).filter(
      ({ definition }) => !definition.keys.some(({ kind }) => kind === 'primary'),
    );
    const wanting = targetServers.filter(({ variables }) => variables['sql_require_primary_key'] === 'ON');
    return wanting.flatMap(({ place }) => {
      const missing = new Set(plan.missingTables[place.shard ?? '']);
      return tables.flatMap(({ name, definition }): Found[] => {
        const at = { ...place, table: name };
        const what = `table ${quoteName(name)} has no primary key, and sql_require_primary_key is ON in the target`;
        if (!hasRowKey(definition))
          return missing.has(name) ? [{ message: `${what}: it cannot be created`, place: at, remedy }] : [];
        if (!plan.stream.deferSecondaryKeys || hasPrimary(targetDetails, place, name)) return [];
        return [
          {
            message: `${what}: a stream cannot defer its unique key`,
            place: at,
            remedy: 'keep secondary keys during the copy (-defer-secondary-keys=false), or give it one in the source',
          },
        ];
      });
    });
  },
});

const remedy =
  'give it one in the source, set sql_require_primary_key OFF on the target, or leave the table out with -exclude';

/** True for a table that a shard of the target has already, with a primary key. */
function hasPrimary(targetDetails: Facts['targetDetails'], { shard }: Place, table: string): boolean {
  const there = targetDetails.find((each) => each.shard === shard)?.tables.find(({ name }) => name === table);
  return there?.uniqueKeys.some(({ name }) => name === 'PRIMARY') === true;
}
