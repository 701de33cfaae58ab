import { judgedVariables } from '../../../migration/preflight/checks/index.js';
import { optionalFact } from '../fact.js';

export const targetServers = optionalFact({
  name: 'targetServers',
  what: 'MySQL’s variables',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({
      place,
      variables: await tablet.variables(judgedVariables),
    })),
});
