import { quoteName } from '../../sql/quote.js';
import { hasRowKey } from '../../sql/table-definition.js';
import { defineCheck } from '../check.js';
import { definitionsOf, sourcePlace } from '../tables.js';

/** No table of the source has an invisible primary key that MySQL hides: the binary log has it all the same. */
export const hiddenPrimaryKey = defineCheck({
  name: 'hidden-primary-key',
  severity: 'warning',
  needs: ['plan', 'sourceSchemas', 'sourceServers'],
  variables: ['show_gipk_in_create_table_and_information_schema'],
  judge: ({ plan, sourceSchemas, sourceServers }) => {
    const hides = 'show_gipk_in_create_table_and_information_schema';
    if (!sourceServers.some(({ variables }) => variables[hides] === 'OFF')) return [];
    return definitionsOf(plan, sourceSchemas)
      .filter(({ definition }) => !hasRowKey(definition))
      .map(({ name }) => ({
        message:
          `table ${quoteName(name)} has no primary key, or an invisible one (my_row_id) that ` +
          `${hides} hides: its first change would stop the stream`,
        place: sourcePlace(plan, { table: name }),
        remedy:
          `set global ${hides} = ON on the source, and start its vttablets anew; ` +
          'accept it if the table really has no primary key',
      }));
  },
});
