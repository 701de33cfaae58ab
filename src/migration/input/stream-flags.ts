import { isDuration } from './duration.js';

const isNumber = (value: string): boolean => /^\d{1,15}$/.test(value);
const isBoolean = (value: string): boolean => /^(true|false|1|0)$/i.test(value);

/** The flags of vttablet that a workflow may have for itself, and their values (`NewVReplicationConfig` of Vitess). */
const streamFlags: Record<string, { is: (value: string) => boolean; takes: string }> = {
  'vreplication-experimental-flags': { is: isNumber, takes: 'a number' },
  'vreplication-net-read-timeout': { is: isNumber, takes: 'seconds' },
  'vreplication-net-write-timeout': { is: isNumber, takes: 'seconds' },
  'vreplication-copy-phase-duration': { is: isDuration, takes: 'a duration' },
  'vreplication-retry-delay': { is: isDuration, takes: 'a duration' },
  'vreplication-max-time-to-retry-on-error': { is: isDuration, takes: 'a duration' },
  'relay-log-max-size': { is: isNumber, takes: 'bytes' },
  'relay-log-max-items': { is: isNumber, takes: 'a number' },
  'vreplication-replica-lag-tolerance': { is: isDuration, takes: 'a duration' },
  'vreplication-heartbeat-update-interval': { is: isNumber, takes: 'seconds' },
  'vreplication-store-compressed-gtid': { is: isBoolean, takes: 'true or false' },
  'vreplication-parallel-insert-workers': { is: isNumber, takes: 'a number' },
  'vstream-packet-size': { is: isNumber, takes: 'bytes' },
  'vstream-dynamic-packet-size': { is: isBoolean, takes: 'true or false' },
  vstream_binlog_rotation_threshold: { is: isNumber, takes: 'bytes' },
};

/** What is wrong with a flag and its value; undefined when nothing is. */
export function wrongStreamFlag(name: string, value: string): string | undefined {
  const flag = Object.hasOwn(streamFlags, name) ? streamFlags[name] : undefined;
  if (flag === undefined) return `names ${name}, which is none of ${Object.keys(streamFlags).join(', ')}`;
  return flag.is(value) ? undefined : `takes ${flag.takes} for ${name}, not ${JSON.stringify(value)}`;
}
