import { optionalFact } from '../fact.js';
import { healthy } from '../tablets.js';

export const sourceTransactions = optionalFact({
  name: 'sourceTransactions',
  what: 'open transactions',
  needs: ['mount', 'sourceTablets', 'candidates'],
  read: async (sides, facts) => {
    const source = sides.source(facts.mount);
    const perTablet = await sides.each(
      healthy(source, facts),
      ({ place }) => place,
      async ({ place, tablet }) => (await source.transactions(tablet)).map((each) => ({ place, ...each })),
    );
    return { ...perTablet, value: perTablet.value.flat() };
  },
});
