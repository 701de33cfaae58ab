import { defineCheck } from '../check.js';

/** The name is not taken by another migration. */
export const migrationName = defineCheck({
  name: 'migration-name',
  severity: 'error',
  codes: ['MIGRATION_EXISTS'],
  needs: ['request', 'journals'],
  judge: ({ request: { target, runId }, journals }) =>
    journals
      .filter((journal) => journal.workflow === target.workflow && journal.runId !== runId)
      .map((journal) => ({
        message:
          `${target.keyspace}.${target.workflow} belongs to the migration of ${journal.source} ` +
          `with run ID ${journal.runId}`,
        place: { cluster: 'target', keyspace: target.keyspace },
        remedy: 'complete or cancel that one first, or choose another workflow name',
        code: 'MIGRATION_EXISTS',
      })),
});
