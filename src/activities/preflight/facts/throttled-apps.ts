import { optionalFact } from '../fact.js';

export const throttledApps = optionalFact({
  name: 'throttledApps',
  what: 'the throttler',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({ place, apps: await tablet.throttledApps() })),
});
