import { defineCheck } from '../check.js';

/** Candidates that are not healthy, on a shard where another one is. */
export const unhealthyTablet = defineCheck({
  name: 'unhealthy-tablet',
  severity: 'notice',
  needs: ['candidates'],
  judge: ({ candidates }) => {
    const served = new Set(candidates.filter(({ unhealthy }) => unhealthy === '').map(({ place }) => place.shard));
    return candidates
      .filter(({ place, unhealthy }) => unhealthy !== '' && served.has(place.shard))
      .map(({ place, unhealthy }) => ({
        message: `tablet is not healthy: ${unhealthy}`,
        place,
        remedy: 'no action needed: streams use another tablet',
      }));
  },
});
