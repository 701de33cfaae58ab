import { defineCheck } from '../check.js';
import { judgeSetting } from '../servers.js';

export const gtidMode = defineCheck({
  name: 'gtid-mode',
  severity: 'error',
  needs: ['sourceServers'],
  variables: ['gtid_mode'],
  judge: ({ sourceServers }) =>
    judgeSetting(
      sourceServers,
      'gtid_mode',
      'ON',
      'set gtid_mode = ON on the source: a stream keeps its position as GTIDs',
    ),
});
