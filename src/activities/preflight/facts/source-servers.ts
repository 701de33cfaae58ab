import { judgedVariables } from '../../../migration/preflight/checks/index.js';
import { optionalFact } from '../fact.js';
import { healthy } from '../tablets.js';

export const sourceServers = optionalFact({
  name: 'sourceServers',
  what: 'MySQL’s variables',
  needs: ['mount', 'sourceTablets', 'candidates'],
  read: (sides, facts) => {
    const source = sides.source(facts.mount);
    return sides.each(
      healthy(source, facts),
      ({ place }) => place,
      async ({ place, tablet }) => ({ place, variables: await source.variables(tablet, judgedVariables) }),
    );
  },
});
