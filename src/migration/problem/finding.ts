import { MigrationError, describeProblem, type ErrorCode, type Place, type Problem } from './errors.js';

/**
 * `error`: the migration cannot work, or would do harm for sure. `warning`: it can work, and may cost
 * rows or an outage: a person accepts it by its check's name, or it stops as well. `notice`: only shown.
 */
export type Severity = 'error' | 'warning' | 'notice';

/** Every check by its stable name, with its severity. docs/preflight.md says what each looks at. */
export const checks = {
  'mount-answers': 'error',
  'access-granted': 'error',
  'topology-answers': 'error',
  'vtgate-answers': 'error',
  'tablet-answers': 'error',
  'keyspace-exists': 'error',
  'shard-primary': 'error',
  'cell-exists': 'error',
  'source-tablet': 'error',
  'source-stream': 'error',
  'source-privileges': 'error',
  'target-permissions': 'error',
  'gtid-mode': 'error',
  'binary-log': 'error',
  'binlog-format': 'error',
  'binlog-row-image': 'error',
  'table-exists': 'error',
  'no-tables': 'error',
  'backtick-name': 'error',
  'vschema-entry': 'error',
  'vindex-usable': 'error',
  'vindex-column': 'error',
  'workflow-name': 'error',
  'migration-name': 'error',
  'other-workflow': 'error',
  'target-table-empty': 'error',
  'target-table-incompatible': 'error',
  'table-denied': 'error',
  'routing-rule': 'error',
  collation: 'error',
  'not-readable': 'warning',
  'source-address': 'warning',
  'binlog-retention': 'warning',
  'mysql-version': 'warning',
  'long-transaction': 'warning',
  'no-primary-key': 'warning',
  'foreign-key-cascade': 'warning',
  'foreign-key-outside': 'warning',
  'foreign-key-sharded': 'warning',
  trigger: 'warning',
  engine: 'warning',
  'target-table-differs': 'warning',
  'vindex-unknown': 'warning',
  'disk-full': 'warning',
  'unhealthy-tablet': 'notice',
  'source-privileges-unknown': 'notice',
  'version-unknown': 'notice',
  'vitess-version': 'notice',
  'sql-mode': 'notice',
  charset: 'notice',
  'unique-key-only': 'notice',
  'foreign-key': 'notice',
  view: 'notice',
  'generated-column': 'notice',
  'auto-increment': 'notice',
  'vindex-differs': 'notice',
  'ambiguous-name': 'notice',
  'lock-held': 'notice',
  'disk-unknown': 'notice',
  throttler: 'notice',
  more: 'notice',
} as const satisfies Record<string, Severity>;

export type CheckName = keyof typeof checks;

/** Something preflight found. Plain data: part of the plan and of the query `status`. */
export interface Finding extends Problem<ErrorCode> {
  check: CheckName;
  severity: Severity;
}

/** A finding of a check. The code is CHECK_FAILED unless the error table has one of its own for it. */
export function finding(
  check: CheckName,
  message: string,
  place: Place,
  remedy: string,
  code: ErrorCode = 'CHECK_FAILED',
): Finding {
  return { check, severity: checks[check], code, message, place, remedy };
}

/** Names that may stand in `accept`: those of warnings. */
export const acceptable: readonly string[] = Object.entries(checks).flatMap(([name, severity]) =>
  severity === 'warning' ? [name] : [],
);

const checkOfCode: Partial<Record<ErrorCode, CheckName>> = {
  MOUNT_NOT_FOUND: 'mount-answers',
  ACCESS_REFUSED: 'access-granted',
  TOPO_UNREACHABLE: 'topology-answers',
  VTGATE_UNREACHABLE: 'vtgate-answers',
  KEYSPACE_NOT_FOUND: 'keyspace-exists',
  CELL_NOT_FOUND: 'cell-exists',
  NO_PRIMARY: 'shard-primary',
  BACKTICK_TABLE_NAME: 'backtick-name',
  MIGRATION_EXISTS: 'migration-name',
};

/** An error of a read without which there is no plan, as a finding. */
export function findingOf(error: MigrationError): Finding {
  return finding(checkOfCode[error.code] ?? 'tablet-answers', error.what, error.place, error.remedy, error.code);
}

/** What could not be read, and is therefore not known to be right. */
export function unreadable(what: string, error: MigrationError, check: CheckName = 'not-readable'): Finding {
  return finding(check, `${what} could not be read (${error.what})`, error.place, error.remedy);
}

/** The findings that stop a migration: errors, and warnings nobody has accepted. */
export function blocking(findings: readonly Finding[], accepted: readonly string[]): Finding[] {
  return findings.filter(
    ({ check, severity }) => severity === 'error' || (severity === 'warning' && !accepted.includes(check)),
  );
}

/** Errors first, then warnings, then notices; otherwise in the order they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  const order: Severity[] = ['error', 'warning', 'notice'];
  return [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** More findings than a history should hold are counted only; the gravest come first. */
const mostFindings = 200;

export function capped(findings: readonly Finding[]): Finding[] {
  const sorted = bySeverity(findings);
  const rest = sorted.length - mostFindings;
  if (rest <= 0) return sorted;
  return [
    ...sorted.slice(0, mostFindings),
    finding(
      'more',
      `${rest} more findings are not shown`,
      {},
      'look at fewer tables at once, with -tables and -dry_run',
    ),
  ];
}

/** `warning no-primary-key: table t has … (cluster ext1 …): do this` */
export function describeFinding(found: Finding): string {
  return `${found.severity} ${found.check}: ${describeProblem(found)}`;
}

/**
 * The error that stops a migration, naming everything that stops it. A single error speaks for
 * itself under its own code, so that a passing trouble is tried again.
 */
export function refusal(stopping: readonly Finding[]): MigrationError {
  const [first] = stopping;
  if (stopping.length === 1 && first?.severity === 'error')
    return new MigrationError(first.code, first.message, first.place, first.remedy);
  const list = capped(stopping)
    .map((each) => `\n  - ${describeFinding(each)}`)
    .join('');
  const warnings = [...new Set(stopping.flatMap(({ check, severity }) => (severity === 'warning' ? [check] : [])))];
  const how =
    warnings.length === 0
      ? ''
      : `\nA warning is passed by its name, once it is understood: -accept ${warnings.join(',')} (in JSON "accept")`;
  return new MigrationError(
    'PREFLIGHT_REFUSED',
    `${stopping.length === 1 ? 'one thing is' : `${stopping.length} things are`} in the way; nothing has been changed:${list}${how}`,
    {},
    '',
  );
}
