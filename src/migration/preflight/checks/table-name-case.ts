import { tableNames } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck, type Found } from '../check.js';

/**
 * Every table has its own name, letter for letter, in the target's MySQL. One that stores names in lower case makes the
 * table, and Vitess, which compares names literally, does not find it: "There is nothing to replicate".
 */
export const tableNameCase = defineCheck({
  name: 'table-name-case',
  severity: 'error',
  needs: ['plan', 'targetServers'],
  variables: ['lower_case_table_names'],
  judge: ({ plan, targetServers }) => {
    const names = tableNames(plan);
    const twins = (name: string) => names.filter((each) => each.toLowerCase() === name.toLowerCase());
    return targetServers.flatMap(({ place, variables }) => {
      const mode = variables['lower_case_table_names'] ?? '0';
      if (mode === '0') return [];
      return names.flatMap((name): Found[] => {
        const [other] = twins(name).filter((each) => each !== name);
        const lost = mode === '1' && name !== name.toLowerCase();
        if (other === undefined && !lost) return [];
        return [
          {
            message:
              `lower_case_table_names is ${mode} in the target: ` +
              (other === undefined
                ? `table ${quoteName(name)} would be ${quoteName(name.toLowerCase())} there, where no stream finds it`
                : `tables ${quoteName(name)} and ${quoteName(other)} would be one`),
            place: { ...place, table: name },
            remedy:
              'rename the table to lower case in the source; or leave it out with -exclude; ' +
              'or use a target whose MySQL was initialized with lower_case_table_names = 0',
          },
        ];
      });
    });
  },
});
