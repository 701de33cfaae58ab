import { optionalFact } from '../fact.js';

export const targetPermissions = optionalFact({
  name: 'targetPermissions',
  what: 'the permissions of the account that applies streams',
  needs: ['targetPrimaries'],
  read: (sides, { targetPrimaries }) =>
    sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => {
      const { ok, error } = await tablet.permissions();
      return { place, ok, error };
    }),
});
