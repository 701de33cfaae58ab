import { defineCheck } from '../check.js';
import { judgeSetting } from '../servers.js';

export const binaryLog = defineCheck({
  name: 'binary-log',
  severity: 'error',
  needs: ['sourceServers'],
  variables: ['log_bin', 'log_replica_updates'],
  judge: ({ sourceServers }) => [
    ...judgeSetting(sourceServers, 'log_bin', 'ON', 'start MySQL with log_bin'),
    ...judgeSetting(
      sourceServers,
      'log_replica_updates',
      'ON',
      'start MySQL with log_replica_updates, or choose other tablets with -tablet_types',
    ),
  ],
});
