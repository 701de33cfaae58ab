import { optionalFact } from '../fact.js';

export const targetHealth = optionalFact({
  name: 'targetHealth',
  what: 'the health of the primary',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({ place, unhealthy: await tablet.health() })),
});
