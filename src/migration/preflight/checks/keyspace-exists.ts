import { defineCheck } from '../check.js';

/** Both keyspaces. */
export const keyspaceExists = defineCheck({
  name: 'keyspace-exists',
  severity: 'error',
  codes: ['KEYSPACE_NOT_FOUND'],
});
