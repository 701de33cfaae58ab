import { defineCheck } from '../check.js';
import { versionOf, compareVersions } from '../servers.js';

/** The target's MySQL is not older than the source's. */
export const mysqlVersion = defineCheck({
  name: 'mysql-version',
  severity: 'warning',
  needs: ['sourceServers', 'targetServers'],
  variables: ['version'],
  judge: ({ sourceServers, targetServers }) => {
    const newest = sourceServers.map(versionOf).sort(compareVersions).at(-1);
    if (newest === undefined) return [];
    return targetServers
      .filter((target) => compareVersions(versionOf(target), newest) < 0)
      .map(({ place, variables }) => ({
        message: `MySQL ${variables['version'] ?? ''} of the target is older than ${newest.join('.')} of the source`,
        place,
        remedy: "the target may not support what the source's tables use: try the migration on a copy first",
      }));
  },
});
