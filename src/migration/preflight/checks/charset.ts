import { defineCheck } from '../check.js';

const compared = ['character_set_server', 'collation_server'];

/** Both sides have the same defaults for new tables. */
export const charset = defineCheck({
  name: 'charset',
  severity: 'notice',
  needs: ['sourceServers', 'targetServers'],
  variables: compared,
  judge: ({ sourceServers: [source], targetServers }) =>
    targetServers.flatMap(({ place, variables }) =>
      compared.flatMap((variable) => {
        const [from, to] = [source?.variables[variable], variables[variable]];
        if (from === to || from === undefined || to === undefined) return [];
        return [
          {
            message: `${variable} is ${to} in the target and ${from} in the source`,
            place,
            remedy: 'no action needed for the copy: tables keep their own; only later ones without one differ',
          },
        ];
      }),
    ),
});
