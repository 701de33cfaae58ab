import { defineCheck } from '../check.js';
import { judgeSetting } from '../servers.js';

export const binlogRowImage = defineCheck({
  name: 'binlog-row-image',
  severity: 'error',
  needs: ['sourceServers'],
  variables: ['binlog_row_image'],
  judge: ({ sourceServers }) =>
    judgeSetting(
      sourceServers,
      'binlog_row_image',
      'FULL',
      'set global binlog_row_image = FULL on the source, and have its clients reconnect: a stream needs every column',
    ),
});
