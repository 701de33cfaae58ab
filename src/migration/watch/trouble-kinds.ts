/**
 * What each kind needs. `vitess`: it goes on once the cause is gone. `program`: it is started. `seconds`: in which
 * Vitess tries one tablet after the other, one in five seconds by default, before something else is done.
 */
export const needs = {
  'no-tablet': { seconds: 30, then: 'program' },
  'source-unreachable': 'vitess',
  'source-behind': 'vitess',
  'mysql-down': 'vitess',
  'disk-full': 'vitess',
  'row-locked': 'vitess',
  stalled: 'vitess',
  throttled: 'vitess',
  'binlog-row-image': 'vitess',
  panic: 'vitess',
  'purged-binlogs': { seconds: 30, then: 'person' },
  'schema-read-failed': 'vitess',
  'left-by-vdiff': 'program',
  'vindex-not-found': 'person',
  'duplicate-key': 'person',
  'key-needed': 'person',
  'foreign-key': 'person',
  'unreadable-json': 'person',
  'no-keyspace-id': 'person',
  'partial-row-image': 'person',
  'statement-binlog': 'person',
  'source-changed': 'person',
  'schema-mismatch': 'person',
  'target-permissions': 'person',
  'nothing-to-copy': 'person',
  resharded: 'person',
  'tables-moved': 'person',
  'stopped-at-ddl': 'person',
  'ddl-failed': 'person',
  unknown: 'vitess',
} as const satisfies Record<string, 'vitess' | 'program' | 'person' | { seconds: number; then: 'program' | 'person' }>;
export type DiagnosisKind = keyof typeof needs;

/**
 * What a stream's message means and what to do about it. Vitess gives its reasons only as text: this
 * table is the one place that reads it, and everything else goes by `kind`.
 */
export interface Diagnosis {
  kind: DiagnosisKind;
  remedy: string;
}

/** What Vitess says in trouble, and what it means. */
export interface Trouble {
  pattern: RegExp;
  diagnosis: Diagnosis;
}

/** One pattern of several. */
export function anyOf(...patterns: RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('|'), 'i');
}

/** What no pattern knows. */
export const unknown: Diagnosis = {
  kind: 'unknown',
  remedy: "Vitess says no more than this; the target tablet's log has the details",
};
