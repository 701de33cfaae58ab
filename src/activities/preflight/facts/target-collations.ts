import { optionalFact } from '../fact.js';

export const targetCollations = optionalFact({
  name: 'targetCollations',
  what: 'the collations',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({
      place,
      collations: await tablet.collations(),
    })),
});
