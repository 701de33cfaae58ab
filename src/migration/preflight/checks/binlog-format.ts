import { defineCheck } from '../check.js';
import { judgeSetting } from '../servers.js';

export const binlogFormat = defineCheck({
  name: 'binlog-format',
  severity: 'error',
  needs: ['sourceServers'],
  variables: ['binlog_format'],
  judge: ({ sourceServers }) =>
    judgeSetting(
      sourceServers,
      'binlog_format',
      'ROW',
      'set global binlog_format = ROW on the source, and have its clients reconnect: statements cannot be streamed',
    ),
});
