import type { Place } from '../problem/errors.js';
import type { ServerFacts, TransactionFacts } from './facts.js';
import { finding, type CheckName, type Finding } from '../problem/finding.js';

/** The release vtmigrate is tried with, on both sides. */
const triedMajor = '24';
/** Bytes a stream is assumed to copy in a second: cautious, for the estimate of how long binary logs are needed. */
const assumedSpeed = 5 * 1024 * 1024;
/** Seconds. A copy goes in rounds of an hour (`vreplication_copy_phase_duration`) with a catch-up after each. */
const leastRetention = 7_200;
const longTransaction = 30;

/** MySQL's global variables that these judgements read. */
export const judgedVariables: readonly string[] = [
  'version',
  'gtid_mode',
  'log_bin',
  'log_replica_updates',
  'binlog_format',
  'binlog_row_image',
  'binlog_expire_logs_seconds',
  'binlog_expire_logs_auto_purge',
  'sql_mode',
  'character_set_server',
  'collation_server',
];

/** Settings a source tablet must have for its binary log to be streamed. A variable that MySQL does not know is not judged. */
const required: { check: CheckName; variable: string; value: string; remedy: string }[] = [
  {
    check: 'gtid-mode',
    variable: 'gtid_mode',
    value: 'ON',
    remedy: 'set gtid_mode = ON on the source: streams keep their place by GTIDs',
  },
  { check: 'binary-log', variable: 'log_bin', value: 'ON', remedy: 'start MySQL with log_bin' },
  {
    check: 'binary-log',
    variable: 'log_replica_updates',
    value: 'ON',
    remedy: 'start MySQL with log_replica_updates, or take other tablets with -tablet_types',
  },
  {
    check: 'binlog-format',
    variable: 'binlog_format',
    value: 'ROW',
    remedy:
      'set global binlog_format = ROW on the source, and let its sessions connect anew: statements cannot be streamed',
  },
  {
    check: 'binlog-row-image',
    variable: 'binlog_row_image',
    value: 'FULL',
    remedy:
      'set global binlog_row_image = FULL on the source, and let its sessions connect anew: a stream needs every column',
  },
];

/** The servers a stream may read from: what their binary log must be like, and for how long it must be kept. */
export function judgeSourceServers(
  servers: readonly ServerFacts[],
  copy: { bytes: number; shards: number },
): Finding[] {
  const needed = Math.max(leastRetention, Math.ceil((2 * copy.bytes) / Math.max(1, copy.shards) / assumedSpeed));
  return servers.flatMap(({ place, variables }) => {
    const found = required.flatMap(({ check, variable, value, remedy }) => {
      const actual = variables[variable];
      return actual === undefined || actual.toUpperCase() === value
        ? []
        : [finding(check, `${variable} is ${actual}, not ${value}`, place, remedy)];
    });
    const kept = Number(variables['binlog_expire_logs_seconds'] ?? 0);
    const forever = kept === 0 || variables['binlog_expire_logs_auto_purge'] === 'OFF';
    if (!forever && kept < needed) {
      found.push(
        finding(
          'binlog-retention',
          `binary logs are kept for ${kept} s; the copy may need them for ${needed} s (twice its estimated time, and at least ${leastRetention} s)`,
          place,
          `set global binlog_expire_logs_seconds = ${needed} or more on the source: a stream whose logs are gone cannot go on`,
        ),
      );
    }
    return found;
  });
}

/** Differences between the two sides' MySQL and Vitess. */
export function judgeVersions(sources: readonly ServerFacts[], targets: readonly ServerFacts[]): Finding[] {
  const [source] = sources;
  if (source === undefined) return [];
  const newest = maxVersion(sources.map(({ variables }) => versionOf(variables)));
  const older = targets.flatMap(({ place, variables }) =>
    compare(versionOf(variables), newest) < 0
      ? [
          finding(
            'mysql-version',
            `MySQL ${variables['version'] ?? ''} of the target is older than ${newest.join('.')} of the source`,
            place,
            "the target may not know what the source's tables use: try it on a copy first",
          ),
        ]
      : [],
  );
  return [
    ...older,
    ...[...sources, ...targets].flatMap(judgeVitess),
    ...targets.flatMap((target) => judgeModes(source, target)),
  ];
}

function judgeVitess({ place, vitess }: ServerFacts): Finding[] {
  if (vitess === undefined || vitess === '' || vitess.split('.')[0] === triedMajor) return [];
  return [
    finding(
      'vitess-version',
      `vttablet is ${vitess}; vtmigrate is tried with ${triedMajor}`,
      place,
      'try the migration on a copy first',
    ),
  ];
}

function judgeModes(source: ServerFacts, target: ServerFacts): Finding[] {
  const found: Finding[] = [];
  const modes = [source, target].map(({ variables }) =>
    (variables['sql_mode'] ?? '').split(',').filter((mode) => mode !== ''),
  );
  const [from = [], to = []] = modes;
  const differ = [
    ...from.filter((mode) => !to.includes(mode)).map((mode) => `-${mode}`),
    ...to.filter((mode) => !from.includes(mode)).map((mode) => `+${mode}`),
  ];
  if (differ.length > 0) {
    found.push(
      finding(
        'sql-mode',
        `sql_mode of the target differs from the source's: ${differ.join(', ')}`,
        target.place,
        'the copy does not depend on it; applications may, once they write to the target',
      ),
    );
  }
  for (const variable of ['character_set_server', 'collation_server']) {
    const [a, b] = [source.variables[variable], target.variables[variable]];
    if (a === b || a === undefined || b === undefined) continue;
    found.push(
      finding(
        'charset',
        `${variable} is ${b} in the target and ${a} in the source`,
        target.place,
        'tables keep their own; only what is made later without one differs',
      ),
    );
  }
  return found;
}

/** A transaction with row locks makes the copy's and VDiff's `LOCK TABLES … READ` wait, and every write after it. */
export function judgeTransactions(transactions: readonly TransactionFacts[]): Finding[] {
  return transactions
    .filter(({ seconds }) => seconds >= longTransaction)
    .map(({ place, id, seconds, thread }) =>
      finding(
        'long-transaction',
        `transaction ${id} of connection ${thread} has been open for ${seconds} s with rows locked`,
        place,
        `let it end, or KILL ${thread}: the copy and VDiff lock a table to read for a moment, wait for it, and make writers wait behind them`,
      ),
    );
}

/** Collations that columns have and a target's MySQL does not know. */
export function judgeCollations(
  columns: readonly { table: string; collation: string }[],
  known: readonly { place: Place; collations: readonly string[] }[],
): Finding[] {
  return known.flatMap(({ place, collations }) => {
    const set = new Set(collations);
    const missing = columns.filter(({ collation }) => collation !== '' && !set.has(collation));
    return [...new Map(missing.map((each) => [`${each.table} ${each.collation}`, each])).values()].map(
      ({ table, collation }) =>
        finding(
          'collation',
          `collation ${collation} of table ${table} is not known to the target's MySQL`,
          { ...place, table },
          'convert the table to a collation both have, or use a MySQL for the target that has it',
        ),
    );
  });
}

type Version = [number, number];

function versionOf(variables: Record<string, string>): Version {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(variables['version'] ?? '') ?? [];
  return [Number(major), Number(minor)];
}

function compare(a: Version, b: Version): number {
  return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
}

function maxVersion(versions: readonly Version[]): Version {
  return versions.reduce<Version>((max, version) => (compare(version, max) > 0 ? version : max), [0, 0]);
}
