import { defineCheck } from '../check.js';
import { judgeSetting } from '../servers.js';

/**
 * Both sides write whole rows: a stream reads every column from the source, and Vitess starts no stream of type Migrate
 * on a target with another setting (`validateBinlogRowImage`).
 */
export const binlogRowImage = defineCheck({
  name: 'binlog-row-image',
  severity: 'error',
  needs: ['sourceServers', 'targetServers'],
  variables: ['binlog_row_image'],
  judge: ({ sourceServers, targetServers }) => [
    ...judgeSetting(
      sourceServers,
      'binlog_row_image',
      'FULL',
      'set global binlog_row_image = FULL on the source, and have its clients reconnect: a stream needs every column',
    ),
    ...judgeSetting(
      targetServers,
      'binlog_row_image',
      'FULL',
      'set global binlog_row_image = FULL on the target: Vitess starts no stream of this kind with another setting',
    ),
  ],
});
