import { defineCheck } from '../check.js';

/** The account that applies streams may write their records. */
export const targetPermissions = defineCheck({
  name: 'target-permissions',
  severity: 'error',
  needs: ['targetPermissions'],
  judge: ({ targetPermissions }) =>
    targetPermissions
      .filter(({ ok }) => !ok)
      .map(({ place, error }) => ({
        message: error,
        place,
        remedy: 'grant SELECT, INSERT, UPDATE and DELETE on the sidecar database (_vt) to that account',
      })),
});
