import { optionalFact } from '../fact.js';

export const targetConstraints = optionalFact({
  name: 'targetConstraints',
  what: 'the names of constraints',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({
      place,
      constraints: await tablet.constraints(),
    })),
});
