import { optionalFact } from '../fact.js';

export const targetVersions = optionalFact({
  name: 'targetVersions',
  what: 'the version of vttablet',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({ place, version: await tablet.version() })),
});
