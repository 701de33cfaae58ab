import { defineCheck } from '../check.js';

/** Both sides find tables by their names in the same way. */
export const tableNameCaseDiffers = defineCheck({
  name: 'table-name-case-differs',
  severity: 'notice',
  needs: ['sourceServers', 'targetServers'],
  variables: ['lower_case_table_names'],
  judge: ({ sourceServers, targetServers }) => {
    const name = 'lower_case_table_names';
    const ignores = sourceServers.find(({ variables }) => (variables[name] ?? '0') !== '0');
    if (ignores === undefined) return [];
    return targetServers
      .filter(({ variables }) => variables[name] === '0')
      .map(({ place }) => ({
        message:
          `${name} is ${ignores.variables[name] ?? ''} in the source and 0 in the target: ` +
          'upper and lower case in the names of tables make a difference there',
        place,
        remedy: 'make sure that applications write the names as the source stores them',
      }));
  },
});
