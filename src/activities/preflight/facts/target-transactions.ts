import { optionalFact } from '../fact.js';

export const targetTransactions = optionalFact({
  name: 'targetTransactions',
  what: 'open transactions',
  needs: ['targetPrimaries'],
  read: async (sides, { targetPrimaries }) => {
    const perTablet = await sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) =>
      (await tablet.lockingTransactions()).map((each) => ({ place, ...each })),
    );
    return { ...perTablet, value: perTablet.value.flat() };
  },
});
