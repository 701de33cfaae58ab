import { defineCheck } from '../check.js';

/** The release that vtmigrate is tested with, on both sides. */
const testedMajor = '24';

/** vttablet is of that release. */
export const vitessVersion = defineCheck({
  name: 'vitess-version',
  severity: 'notice',
  needs: ['sourceVersions', 'targetVersions'],
  unread: 'version-unknown',
  judge: ({ sourceVersions, targetVersions }) =>
    [...sourceVersions, ...targetVersions]
      .filter(({ version }) => version !== '' && version.split('.')[0] !== testedMajor)
      .map(({ place, version }) => ({
        message: `vttablet is ${version}; vtmigrate is tested with ${testedMajor}`,
        place,
        remedy: 'try the migration on a copy first',
      })),
});
