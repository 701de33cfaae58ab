import { readTransactions } from '../../../vitess/tablet/sql/server.js';
import { optionalFact } from '../fact.js';

export const targetTransactions = optionalFact({
  name: 'targetTransactions',
  what: 'open transactions',
  needs: ['targetPrimaries'],
  read: async (sides, { targetPrimaries }) => {
    const perTablet = await sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) =>
      (await readTransactions(tablet)).map((each) => ({ place, ...each })),
    );
    return { ...perTablet, value: perTablet.value.flat() };
  },
});
