import { optionalFact } from '../fact.js';
import { healthy } from '../tablets.js';

export const sourceReplicas = optionalFact({
  name: 'sourceReplicas',
  what: 'how far the replica is behind',
  needs: ['mount', 'sourceTablets', 'candidates'],
  read: async (sides, facts) => {
    const source = sides.source(facts.mount);
    const perTablet = await sides.each(
      healthy(source, facts).filter(({ tablet }) => tablet.type !== 'PRIMARY'),
      ({ place }) => place,
      async ({ place, tablet }) => ({ place, type: tablet.type, replication: await source.replication(tablet) }),
    );
    const value = perTablet.value.flatMap(({ place, type, replication }) =>
      replication === undefined ? [] : [{ place, type, ...replication }],
    );
    return { ...perTablet, value };
  },
});
