import type { ErrorCode } from '../../problem/errors.js';
import type { Check, Severity } from '../check.js';
import { accessGranted } from './access-granted.js';
import { ambiguousName } from './ambiguous-name.js';
import { autoIncrement } from './auto-increment.js';
import { backtickName } from './backtick-name.js';
import { binaryLog } from './binary-log.js';
import { binlogFormat } from './binlog-format.js';
import { binlogRetention } from './binlog-retention.js';
import { binlogRowImage } from './binlog-row-image.js';
import { cellAway } from './cell-away.js';
import { cellExists } from './cell-exists.js';
import { charset } from './charset.js';
import { checksumColumn } from './checksum-column.js';
import { checksumKey } from './checksum-key.js';
import { checksumWhole } from './checksum-whole.js';
import { collation } from './collation.js';
import { constraintName } from './constraint-name.js';
import { diskFull } from './disk-full.js';
import { diskUnknown } from './disk-unknown.js';
import { engine } from './engine.js';
import { fenceHook } from './fence-hook.js';
import { floatColumn } from './float-column.js';
import { floatKey } from './float-key.js';
import { floatRepair } from './float-repair.js';
import { foreignKey } from './foreign-key.js';
import { foreignKeyCascade } from './foreign-key-cascade.js';
import { foreignKeyOutside } from './foreign-key-outside.js';
import { foreignKeySharded } from './foreign-key-sharded.js';
import { generatedColumn } from './generated-column.js';
import { gtidMode } from './gtid-mode.js';
import { hiddenPrimaryKey } from './hidden-primary-key.js';
import { internalTable } from './internal-table.js';
import { internalTablesLeftOut } from './internal-tables-left-out.js';
import { invisiblePrimaryKey } from './invisible-primary-key.js';
import { keyspaceExists } from './keyspace-exists.js';
import { keysNotDeferred } from './keys-not-deferred.js';
import { laneConnections } from './lane-connections.js';
import { lanesUneven } from './lanes-uneven.js';
import { lockHeld } from './lock-held.js';
import { longTransaction } from './long-transaction.js';
import { maxAllowedPacket } from './max-allowed-packet.js';
import { memberLost } from './member-lost.js';
import { migrationName } from './migration-name.js';
import { more } from './more.js';
import { mountAnswers } from './mount-answers.js';
import { mysqlVersion } from './mysql-version.js';
import { noPrimaryKey } from './no-primary-key.js';
import { noTables } from './no-tables.js';
import { notReadable } from './not-readable.js';
import { onDdl } from './on-ddl.js';
import { otherWorkflow } from './other-workflow.js';
import { primaryKeyRequired } from './primary-key-required.js';
import { replicaLag } from './replica-lag.js';
import { routingRule } from './routing-rule.js';
import { sequenceBehind } from './sequence-behind.js';
import { sequenceUnusable } from './sequence-unusable.js';
import { shardPrimary } from './shard-primary.js';
import { sourceAddress } from './source-address.js';
import { sourcePrivileges } from './source-privileges.js';
import { sourcePrivilegesUnknown } from './source-privileges-unknown.js';
import { sourceSchemaDiffers } from './source-schema-differs.js';
import { sourceStream } from './source-stream.js';
import { sourceTablet } from './source-tablet.js';
import { sqlMode } from './sql-mode.js';
import { tableDenied } from './table-denied.js';
import { tableExists } from './table-exists.js';
import { tableNameCase } from './table-name-case.js';
import { tableNameCaseDiffers } from './table-name-case-differs.js';
import { tabletAnswers } from './tablet-answers.js';
import { targetPermissions } from './target-permissions.js';
import { targetTableDiffers } from './target-table-differs.js';
import { targetTableEmpty } from './target-table-empty.js';
import { targetTableIncompatible } from './target-table-incompatible.js';
import { throttler } from './throttler.js';
import { timeZone } from './time-zone.js';
import { timeZoneKey } from './time-zone-key.js';
import { topologyAnswers } from './topology-answers.js';
import { trigger } from './trigger.js';
import { unhealthyTablet } from './unhealthy-tablet.js';
import { uniqueKeyOnly } from './unique-key-only.js';
import { versionUnknown } from './version-unknown.js';
import { view } from './view.js';
import { vdiffTablet } from './vdiff-tablet.js';
import { vectorKey } from './vector-key.js';
import { vindexCharset } from './vindex-charset.js';
import { vindexColumn } from './vindex-column.js';
import { vindexDiffers } from './vindex-differs.js';
import { vindexText } from './vindex-text.js';
import { vindexNull } from './vindex-null.js';
import { vindexUnknown } from './vindex-unknown.js';
import { vindexUsable } from './vindex-usable.js';
import { vindexValue } from './vindex-value.js';
import { vindexValuePossible } from './vindex-value-possible.js';
import { vitessVersion } from './vitess-version.js';
import { vschemaEntry } from './vschema-entry.js';
import { vschemaType } from './vschema-type.js';
import { vtgateAnswers } from './vtgate-answers.js';
import { workflowName } from './workflow-name.js';
import { workingTable } from './working-table.js';

/**
 * Every check, in the order in which their findings are listed. docs/preflight.md says what each looks at. A check
 * is a file of its own and a line here.
 */
const list = [
  mountAnswers,
  accessGranted,
  topologyAnswers,
  vtgateAnswers,
  tabletAnswers,
  keyspaceExists,
  shardPrimary,
  cellExists,
  cellAway,
  sourceTablet,
  sourceStream,
  vdiffTablet,
  sourcePrivileges,
  targetPermissions,
  gtidMode,
  binaryLog,
  binlogFormat,
  binlogRowImage,
  tableExists,
  noTables,
  internalTable,
  backtickName,
  sourceSchemaDiffers,
  floatKey,
  vectorKey,
  floatRepair,
  fenceHook,
  vschemaEntry,
  vindexUsable,
  vindexColumn,
  vindexText,
  vindexValue,
  vindexCharset,
  workflowName,
  migrationName,
  otherWorkflow,
  targetTableEmpty,
  targetTableIncompatible,
  primaryKeyRequired,
  constraintName,
  tableNameCase,
  tableDenied,
  routingRule,
  collation,
  notReadable,
  sourceAddress,
  binlogRetention,
  mysqlVersion,
  maxAllowedPacket,
  laneConnections,
  replicaLag,
  longTransaction,
  noPrimaryKey,
  hiddenPrimaryKey,
  floatColumn,
  memberLost,
  checksumColumn,
  checksumKey,
  workingTable,
  vschemaType,
  sequenceUnusable,
  sequenceBehind,
  foreignKeyCascade,
  foreignKeyOutside,
  foreignKeySharded,
  trigger,
  engine,
  targetTableDiffers,
  vindexUnknown,
  vindexValuePossible,
  diskFull,
  unhealthyTablet,
  sourcePrivilegesUnknown,
  versionUnknown,
  vitessVersion,
  onDdl,
  sqlMode,
  charset,
  timeZone,
  timeZoneKey,
  tableNameCaseDiffers,
  uniqueKeyOnly,
  invisiblePrimaryKey,
  checksumWhole,
  keysNotDeferred,
  lanesUneven,
  foreignKey,
  view,
  internalTablesLeftOut,
  generatedColumn,
  autoIncrement,
  vindexDiffers,
  vindexNull,
  ambiguousName,
  lockHeld,
  diskUnknown,
  throttler,
  more,
] as const;

/** The stable name of a check. */
export type CheckName = (typeof list)[number]['name'];

/** Names of checks that report what could not be read: each must be the name of a check. */
type Unread = (typeof list)[number]['unread'];

export const checks: readonly Check<CheckName, Unread & CheckName>[] = list;

/** Names that `accept` may have: those of warnings. */
export const acceptable: readonly string[] = checks
  .filter(({ severity }) => severity === 'warning')
  .map(({ name }) => name);

const severities: ReadonlyMap<string, Severity> = new Map(checks.map(({ name, severity }) => [name, severity]));

/** The severity of a check; undefined when no check has this name. */
export function severityOf(name: string): Severity | undefined {
  return severities.get(name);
}

/** The check that an error of a read belongs to, where there is no plan without that read. */
export function checkOfError(code: ErrorCode): Check<CheckName> {
  return checks.find(({ codes }) => codes.includes(code)) ?? tabletAnswers;
}

/** The checks that are asked again at a later step. */
export function checksFor(step: 'complete'): readonly Check<CheckName, CheckName>[] {
  return checks.filter(({ again }) => again === step);
}

/** MySQL's global variables that checks look at. */
export const judgedVariables: readonly string[] = [...new Set(checks.flatMap(({ variables }) => variables))];
