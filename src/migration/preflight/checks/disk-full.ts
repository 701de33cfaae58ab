import { defineCheck } from '../check.js';
import { addedSize } from '../disk.js';

/** The used part of a disk from which a person decides. */
const full = 0.8;

/** The disks of the target's MySQL servers have room. */
export const diskFull = defineCheck({
  name: 'disk-full',
  severity: 'warning',
  needs: ['plan', 'targetDisks'],
  unread: 'disk-unknown',
  judge: ({ plan, targetDisks }) =>
    targetDisks.flatMap(({ place, used }) =>
      used === undefined || used < full
        ? []
        : [
            {
              message: `MySQL's disk is ${Math.round(used * 100)} % full; ${addedSize(plan)}`,
              place,
              remedy: 'make room, or accept it if what is free is enough',
            },
          ],
    ),
});
