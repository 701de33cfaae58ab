import { optionalFact } from '../fact.js';
import { healthy } from '../tablets.js';

export const sourceVersions = optionalFact({
  name: 'sourceVersions',
  what: 'the version of vttablet',
  needs: ['mount', 'sourceTablets', 'candidates'],
  read: (sides, facts) => {
    const source = sides.source(facts.mount);
    return sides.each(
      healthy(source, facts),
      ({ place }) => place,
      async ({ place, tablet }) => ({ place, version: await source.version(tablet) }),
    );
  },
});
