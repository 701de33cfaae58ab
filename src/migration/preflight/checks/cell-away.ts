import { defineCheck } from '../check.js';

/** Every cell can be reached. Nothing of a migration needs them all. */
export const cellAway = defineCheck({
  name: 'cell-away',
  severity: 'notice',
  needs: ['cellsAway'],
  judge: ({ cellsAway }) =>
    cellsAway.map(({ place, why }) => ({
      message: `the cell cannot be reached: ${why}`,
      place,
      remedy:
        'its tablets are left out, and its vtgates do not get to know the tables. ' +
        'If there is no such cell any more: vtctldclient DeleteCellInfo',
    })),
});
