import { defineCheck } from '../check.js';

/** Bytes that a stream is assumed to copy in a second: cautious, to estimate how long binary logs are needed. */
const assumedSpeed = 5 * 1024 * 1024;
/** Seconds. A copy goes in rounds of an hour (`vreplication_copy_phase_duration`) with a catch-up after each. */
const leastRetention = 7_200;

/** The source keeps its binary logs long enough for the copy. */
export const binlogRetention = defineCheck({
  name: 'binlog-retention',
  severity: 'warning',
  needs: ['plan', 'sourceServers'],
  variables: ['binlog_expire_logs_seconds', 'binlog_expire_logs_auto_purge'],
  judge: ({ plan, sourceServers }) => {
    const bytes = plan.tables.reduce((sum, table) => sum + table.bytes, 0);
    const estimate = Math.ceil((2 * bytes) / Math.max(1, plan.source.shards.length) / assumedSpeed);
    const needed = Math.max(leastRetention, estimate);
    return sourceServers.flatMap(({ place, variables }) => {
      const kept = Number(variables['binlog_expire_logs_seconds'] ?? 0);
      const forever = kept === 0 || variables['binlog_expire_logs_auto_purge'] === 'OFF';
      if (forever || kept >= needed) return [];
      return [
        {
          message:
            `binary logs are kept for ${kept} s; the copy may need them for ${needed} s ` +
            `(twice its estimated time, and at least ${leastRetention} s)`,
          place,
          remedy:
            `set global binlog_expire_logs_seconds = ${needed} or more on the source: ` +
            'a stream whose binary logs are gone cannot continue',
        },
      ];
    });
  },
});
