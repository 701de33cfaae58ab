import { defineCheck } from '../check.js';

/** Locks that Create will wait for. */
export const lockHeld = defineCheck({
  name: 'lock-held',
  severity: 'notice',
  needs: ['locks'],
  judge: ({ locks }) =>
    locks.map(({ place, path, holder }) => ({
      message: `${path} is locked by ${holder}`,
      place,
      remedy:
        'Create waits for it and tries again; a named lock whose holder has died ends after 24 hours, ' +
        'or when "vtctldclient VDiff delete" ends its VDiff',
    })),
});
