import { optionalFact } from '../fact.js';

export const targetDisks = optionalFact({
  name: 'targetDisks',
  what: 'the disk',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({ place, used: await tablet.diskUsed() })),
});
