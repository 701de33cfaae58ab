import { defineCheck } from '../check.js';

/** Each shard has a primary, and each target primary is healthy. */
export const shardPrimary = defineCheck({
  name: 'shard-primary',
  severity: 'error',
  codes: ['NO_PRIMARY'],
  needs: ['targetHealth'],
  judge: ({ targetHealth }) =>
    targetHealth
      .filter(({ unhealthy }) => unhealthy !== '')
      .map(({ place, unhealthy }) => ({
        message: `the primary is not healthy: ${unhealthy}`,
        place,
        remedy: 'make the tablet serve, or promote another one',
        code: 'NO_PRIMARY',
      })),
});
