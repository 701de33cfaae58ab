import { defineCheck } from '../check.js';

/** A stream opens on every healthy candidate. */
export const sourceStream = defineCheck({
  name: 'source-stream',
  severity: 'error',
  needs: ['candidates'],
  judge: ({ candidates }) =>
    candidates
      .filter(({ unhealthy, streamError }) => unhealthy === '' && streamError !== '')
      .map(({ place, streamError }) => ({
        message: `no stream can be opened on this tablet (${streamError})`,
        place,
        remedy:
          "fix the reason given; the tablet's MySQL account for streams (--db-filtered-user) needs REPLICATION SLAVE",
      })),
});
