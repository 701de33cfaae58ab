import { defineCheck } from '../check.js';
import { addedSize } from '../disk.js';

/** Disks that a tablet knows nothing about. */
export const diskUnknown = defineCheck({
  name: 'disk-unknown',
  severity: 'notice',
  needs: ['plan', 'targetDisks'],
  unread: 'disk-unknown',
  judge: ({ plan, targetDisks }) =>
    targetDisks
      .filter(({ used }) => used === undefined)
      .map(({ place }) => ({
        message: `the tablet does not know how full MySQL's disk is; ${addedSize(plan)}`,
        place,
        remedy: 'check the disk on its server: vttablet knows it only for a MySQL that it manages',
      })),
});
