import type { Place } from '../../migration/problem/errors.js';
import type { ChecksumTable } from '../../migration/checksum/columns.js';
import type { FloatRow, FloatTable } from '../../migration/checksum/floats.js';
import type { Key, KeyRange, RowChecksum, Scope } from '../../migration/checksum/scope.js';
import type { StreamOptions } from '../../migration/input/stream-options.js';
import type { ConstraintFacts, TableFacts } from '../../migration/plan/table-facts.js';
import type { Unmapped } from '../../migration/preflight/facts.js';
import type { ShardStreams, Stream } from '../../migration/watch/stream.js';
import { formatTabletType } from '../topology/topology.js';
import type { Tablet } from '../wire/topodata_pb.js';
import { TabletConnection } from './connection.js';
import * as health from './health.js';
import { readChanges, type ChangeLimits, type Changes } from './changes.js';
import type { NamedRow } from './rows.js';
import * as schema from './schema.js';
import * as checksums from './sql/checksums.js';
import * as floats from './sql/floats.js';
import * as sequences from './sql/sequences.js';
import * as server from './sql/server.js';
import { readTableSizes, type TableSizes } from './sql/sizes.js';
import { readTableIds, type TableIds } from './sql/table-ids.js';
import * as streamRows from './sql/streams.js';
import * as tables from './sql/tables.js';
import * as values from './sql/values.js';
import * as vdiffRows from './sql/vdiffs.js';
import * as streams from './streams.js';
import type { TabletClients } from './transport.js';
import * as vdiffs from './vdiffs.js';

/**
 * One tablet and its MySQL. A method makes one gRPC call, unless its comment says otherwise; SQL goes through
 * vttablet's `ExecuteFetchAsDba`. A question may take 10 seconds, a change and every SQL statement 60.
 *
 * Every method throws MigrationError TABLET_UNREACHABLE when there is no answer in time, ACCESS_REFUSED when the
 * tablet does not accept the worker, TABLET_REFUSED when Vitess refuses the call for good, TABLET_CALL_FAILED for
 * every other failure.
 */
export class TabletHandle {
  private readonly connection: TabletConnection;

  constructor(record: Tablet, cluster: string, clients: TabletClients) {
    this.connection = new TabletConnection(record, cluster, clients);
  }

  /** `zone1-0000000100` */
  get alias(): string {
    return this.connection.alias;
  }

  /** MySQL's name of the keyspace's database. */
  get dbName(): string {
    return this.connection.dbName;
  }

  get place(): Place {
    return this.connection.place;
  }

  /** The upper-case name that Vitess prints. */
  get type(): string {
    return formatTabletType(this.connection.record.type);
  }

  get cell(): string {
    return this.connection.record.alias?.cell ?? '';
  }

  get hostname(): string {
    return this.connection.record.hostname;
  }

  // The tablet

  /** Makes the tablet read its shard record again, for example for denied tables. */
  async refreshState(): Promise<void> {
    await this.connection.renew('RefreshState', (options) => this.connection.manager.refreshState({}, options));
  }

  /** The GTID position of a primary, in Vitess's form (`MySQL56/…`). */
  async primaryPosition(): Promise<string> {
    const { manager } = this.connection;
    return (await this.connection.ask('PrimaryPosition', (options) => manager.primaryPosition({}, options))).position;
  }

  /** Why Vitess's tablet picker would pass over this tablet (`StreamHealth`); empty when it would take it. */
  health(): Promise<string> {
    return health.readHealth(this.connection);
  }

  /** Opens and closes a stream of changes (`VStream`). @throws MigrationError when the tablet cannot stream */
  openStream(): Promise<void> {
    return health.openStream(this.connection);
  }

  /** The account that streams use, and whether it may write their records, in Vitess's own words. */
  permissions(): Promise<{ user: string; ok: boolean; error: string }> {
    return health.testPermissions(this.connection);
  }

  /** The used part of MySQL's disk, 0 to 1; undefined when the tablet does not manage its MySQL. */
  diskUsed(): Promise<number | undefined> {
    return health.readDiskUsed(this.connection);
  }

  /** The apps that a rule of the tablet's throttler holds back, with the share of time; empty when it is off. */
  throttledApps(): Promise<Record<string, number>> {
    return health.readThrottledApps(this.connection);
  }

  /** The release of vttablet, from its HTTP port; empty when it has none. */
  version(): Promise<string> {
    return health.readVersion(this.connection);
  }

  // Tables

  /** Base tables in the order of their names, all or those named; names that do not exist are left out. */
  tables(names?: readonly string[]): Promise<schema.TableSchema[]> {
    return schema.readTables(this.connection, names);
  }

  /** Names of all base tables, in order. */
  tableNames(): Promise<string[]> {
    return tables.readTableNames(this.connection);
  }

  /** Those of the tables that have a row, in the order given. One call for each hundred. */
  nonEmptyTables(names: readonly string[]): Promise<string[]> {
    return tables.readNonEmptyTables(this.connection, names);
  }

  /**
   * Runs statements that create tables, with foreign key checks off.
   * @param keyless the tables have no primary key, and shall not get the invisible one that MySQL can make. Two calls
   */
  applySchema(sql: string, { keyless = false } = {}): Promise<void> {
    return schema.applySchema(this.connection, sql, keyless);
  }

  /**
   * Creates tables with foreign key checks off, one after the other, until one is refused: see `schema.createTables`.
   * @param keyless as in `applySchema`
   */
  createTables(definitions: readonly string[], { keyless = false } = {}): Promise<void> {
    return schema.createTables(this.connection, definitions, keyless);
  }

  /** Waits until no earlier call of `createTables` goes on; such a call outlives its caller. */
  awaitCreation(): Promise<void> {
    return schema.awaitCreation(this.connection);
  }

  /** Makes the tablet load what has changed of its tables, where the call that has changed them does not. */
  reloadSchema(): Promise<void> {
    return schema.reloadSchema(this.connection);
  }

  /**
   * Renames tables in one statement, all of them or none, with foreign key checks off. MySQL refuses a name that is
   * taken.
   * @param load the tablet knows them at once; otherwise `reloadSchema` loads them
   */
  renameTables(names: readonly tables.Renaming[], { load = false } = {}): Promise<void> {
    return tables.renameTables(this.connection, names, { load });
  }

  /** Drops a table if it exists, with foreign key checks off, and forgets it. */
  dropTable(table: string): Promise<void> {
    return tables.dropTable(this.connection, table);
  }

  /** Drops those tables that exist in one statement, with foreign key checks off; `reloadSchema` forgets them. */
  dropTables(names: readonly string[]): Promise<void> {
    return tables.dropTables(this.connection, names);
  }

  /** Deletes every row of a table, with foreign key checks off; `reloadSchema` loads it. */
  emptyTable(table: string): Promise<void> {
    return tables.emptyTable(this.connection, table);
  }

  /** Runs one statement that changes a table, with foreign key checks off; `reloadSchema` loads it. */
  alterTable(statement: string): Promise<void> {
    return this.connection.alter(statement, { load: false });
  }

  /** Current estimates of rows and bytes; a table that does not exist has none. Two calls. */
  sizes(names: readonly string[]): Promise<TableSizes> {
    return readTableSizes(this.connection, names);
  }

  /**
   * Columns, keys and triggers of base tables, in the order of `names`; names that do not exist are left out. Five
   * calls for each 400.
   */
  tableDetails(names: readonly string[]): Promise<TableFacts[]> {
    return tables.readTableDetails(this.connection, names);
  }

  /** The CHECK and FOREIGN KEY constraints of all tables. */
  constraints(): Promise<ConstraintFacts[]> {
    return tables.readConstraints(this.connection);
  }

  /** Names of the views, in order. */
  views(): Promise<string[]> {
    return tables.readViews(this.connection);
  }

  /**
   * Those of the tables whose rows changed after position `from` and up to position `to`, in order, from the
   * tablet's binary logs.
   * @throws MigrationError TABLET_UNREACHABLE when `to` has not come within `timeoutMs`; TABLET_CALL_FAILED, for
   * example when the logs have been purged
   */
  changedTables(names: readonly string[], from: string, to: string, timeoutMs: number): Promise<string[]> {
    return streams.changedTables(this.connection, names, from, to, timeoutMs);
  }

  // Checksums

  /**
   * The number of rows of a scope and the sum of their checksums, computed by MySQL.
   * @param timeoutMs after which MySQL ends the query, and TABLET_CALL_FAILED is thrown
   */
  checksum(table: ChecksumTable, scope: Scope, timeoutMs: number): Promise<checksums.ReadChecksum> {
    return checksums.readChecksum(this.connection, table, scope, timeoutMs);
  }

  /** The key of the row that is `rows` rows into a range; undefined when the range has fewer. */
  boundary(table: ChecksumTable, range: KeyRange, rows: number, timeoutMs: number): Promise<Key | undefined> {
    return checksums.readBoundary(this.connection, table, range, rows, timeoutMs);
  }

  /** Keys and checksums of single rows, `most` of them. */
  rowChecksums(table: ChecksumTable, scope: Scope, most: number, timeoutMs: number): Promise<RowChecksum[]> {
    return checksums.readRowChecksums(this.connection, table, scope, most, timeoutMs);
  }

  /** The FLOAT columns of `most` rows of a scope, as doubles. */
  floats(table: FloatTable, scope: Scope, most: number, timeoutMs: number): Promise<FloatRow[]> {
    return floats.readFloats(this.connection, table, scope, most, timeoutMs);
  }

  /** Sets the FLOAT columns of those of the rows that are there, in one transaction. */
  setFloats(table: FloatTable, rows: readonly FloatRow[]): Promise<void> {
    return floats.writeFloats(this.connection, table, rows);
  }

  /** True when this MySQL has executed everything up to a position, or does within `seconds`. */
  hasExecuted(position: string, seconds: number): Promise<boolean> {
    return server.hasExecuted(this.connection, position, seconds);
  }

  /** What happened to tables between two positions, from the tablet's binary logs: see `readChanges`. */
  changes(tables: readonly ChecksumTable[], from: string, to: string, limits: ChangeLimits): Promise<Changes> {
    return readChanges(this.connection, tables, from, to, limits);
  }

  /** What InnoDB calls tables, which changes when a table is replaced by another one. */
  tableIds(names: readonly string[]): Promise<TableIds> {
    return readTableIds(this.connection, names);
  }

  // Sequences

  /** The table of a sequence; undefined when it does not exist. Two calls. */
  sequence(table: string): Promise<sequences.SequenceRow | undefined> {
    return sequences.readSequence(this.connection, table);
  }

  /** Makes a sequence give `nextId` or more; one that is further on stays as it is. Two calls. */
  raiseSequence(table: string, nextId: bigint): Promise<void> {
    return sequences.raiseSequence(this.connection, table, nextId);
  }

  /** Makes the tablet drop the numbers that it has cached of a sequence and read its row again (`ResetSequences`). */
  resetSequence(table: string): Promise<void> {
    return schema.resetSequence(this.connection, table);
  }

  /** The largest value of a column of whole numbers; undefined when there is no row. */
  largest(table: string, column: string): Promise<bigint | undefined> {
    return sequences.readLargest(this.connection, table, column);
  }

  /**
   * True when a column has a value of a kind in some row.
   * @throws MigrationError TABLET_CALL_FAILED when MySQL cannot tell within 5 seconds
   */
  holds(table: string, column: string, kind: Unmapped): Promise<boolean> {
    return values.holdsValue(this.connection, table, column, kind);
  }

  // MySQL

  /** Those of MySQL's global variables that this MySQL has. */
  variables(names: readonly string[]): Promise<Record<string, string>> {
    return server.readVariables(this.connection, names);
  }

  /** Names of the collations this MySQL knows. */
  collations(): Promise<string[]> {
    return server.readCollations(this.connection);
  }

  /** Whether this MySQL converts from a time zone to UTC, as Vitess's `checkTZConversion` tries it. */
  convertsFrom(zone: string): Promise<boolean> {
    return server.convertsFrom(this.connection, zone);
  }

  /** IDs of open transactions that have modified rows (`trx_id` of `information_schema.innodb_trx`). */
  openTransactions(): Promise<Set<string>> {
    return server.readOpenTransactions(this.connection);
  }

  /** Open transactions that have locked or modified rows. */
  lockingTransactions(): Promise<server.OpenTransaction[]> {
    return server.readLockingTransactions(this.connection);
  }

  /** Threads of this MySQL that are at work (`Threads_running`), and its replication. Two calls. */
  load(): Promise<server.ServerLoad> {
    return server.readLoad(this.connection);
  }

  /** How far this MySQL is behind the one that it replicates from; undefined when it is no replica. */
  replication(): Promise<server.Replication | undefined> {
    return server.readReplication(this.connection);
  }

  /**
   * Privileges of an account on the tablet's database, whatever host it comes from. Undefined when they cannot
   * be read from here: the account has roles, or privileges on single tables. Four calls.
   */
  grants(user: string): Promise<string[] | undefined> {
    return server.readGrants(this.connection, user);
  }

  // Streams

  /** Inserts streams. Vitess does not check whether the workflow has some already. */
  createStreams(request: streams.StreamsRequest): Promise<void> {
    return streams.createStreams(this.connection, request);
  }

  /** The workflows with streams on this tablet, in the order of their names: all of them, or of those named. */
  workflows(names?: readonly string[]): Promise<ShardStreams[]> {
    return streams.readWorkflows(this.connection, names);
  }

  /** The streams of workflows; a name that has none adds none. */
  async streams(workflows: readonly string[]): Promise<Stream[]> {
    return (await this.workflows(workflows)).flatMap((each) => each.streams);
  }

  /**
   * Sets the state of workflows' streams, and their message if one is given; changes nothing else. One call for each
   * workflow.
   */
  setStreamState(workflows: readonly string[], state: 'Running' | 'Stopped', message?: string): Promise<void> {
    return streams.setStreamState(this.connection, workflows, state, message);
  }

  /**
   * Sets where workflows' streams read, and what they do with DDL; they start anew, unless they are stopped. One call
   * for each workflow.
   */
  setStreamOptions(workflows: readonly string[], cells: readonly string[], options: StreamOptions): Promise<void> {
    return streams.setStreamOptions(this.connection, workflows, cells, options);
  }

  /** Sets all config overrides of a workflow's streams, which start anew with them; those not named are gone. */
  setConfigOverrides(workflow: string, overrides: Record<string, string>): Promise<void> {
    return streams.setConfigOverrides(this.connection, workflow, overrides);
  }

  /**
   * Takes the rules of some tables out of workflows' streams, which must be stopped: a stream reads them when it
   * starts. Two calls, and one for each stream.
   */
  removeRules(workflows: readonly string[], names: readonly string[]): Promise<void> {
    return streams.removeRules(this.connection, workflows, names);
  }

  /** Deletes workflows' streams with their copy state. One call for each workflow. */
  deleteStreams(workflows: readonly string[]): Promise<void> {
    return streams.deleteStreams(this.connection, workflows);
  }

  /**
   * Returns when the stream has applied `position`.
   * @throws MigrationError TABLET_UNREACHABLE when `timeoutMs` have passed
   */
  waitForPosition(id: number, position: string, timeoutMs: number): Promise<void> {
    return streams.waitForPosition(this.connection, id, position, timeoutMs);
  }

  /** Seconds since a stream has had its last message for the first time. */
  messageAge(id: number): Promise<number> {
    return streamRows.readMessageAge(this.connection, id);
  }

  /** The tables that each of these streams has still to copy; empty for a stream that has copied them all. */
  copyState(streamIds: readonly number[]): Promise<Map<number, string[]>> {
    return streamRows.readCopyState(this.connection, streamIds);
  }

  /** Deletes what these streams have still to copy of some tables. */
  deleteTableCopyState(streamIds: readonly number[], names: readonly string[]): Promise<void> {
    return streamRows.deleteTableCopyState(this.connection, streamIds, names);
  }

  /** The statements by which these streams are to build deferred secondary keys of some tables, each once. */
  deferredKeys(streamIds: readonly number[], names: readonly string[]): Promise<streamRows.DeferredKeys[]> {
    return streamRows.readDeferredKeys(this.connection, streamIds, names);
  }

  /** Forgets that these streams are to build deferred secondary keys of some tables. */
  deleteDeferredKeys(streamIds: readonly number[], names: readonly string[]): Promise<void> {
    return streamRows.deleteDeferredKeys(this.connection, streamIds, names);
  }

  /** Removes the position at which a VDiff stops the workflows' streams. */
  clearStopPosition(workflows: readonly string[]): Promise<void> {
    return streamRows.clearStopPosition(this.connection, workflows);
  }

  /** Copy state, and work left after a copy, of streams that are gone. */
  orphanedCopyState(): Promise<streamRows.OrphanedCopyState[]> {
    return streamRows.readOrphanedCopyState(this.connection);
  }

  /** Deletes the copy state of a stream, by its ID. Two calls. */
  deleteCopyState(stream: string): Promise<void> {
    return streamRows.deleteCopyState(this.connection, stream);
  }

  // VDiffs

  /** Starts a VDiff. @throws MigrationError TABLET_CALL_FAILED when there is one of that UUID */
  createVDiff(workflow: string, keyspace: string, uuid: string, options: vdiffs.VDiffOptions): Promise<void> {
    return vdiffs.createVDiff(this.connection, workflow, keyspace, uuid, options);
  }

  /** The rows of a VDiff, one for each table once it has started; empty when there is no such VDiff. Two calls. */
  showVDiff(workflow: string, keyspace: string, uuid: string): Promise<NamedRow[]> {
    return vdiffs.showVDiff(this.connection, workflow, keyspace, uuid);
  }

  /** A workflow's VDiffs, newest first. */
  vdiffs(workflow: string, keyspace: string): Promise<vdiffs.ListedVDiff[]> {
    return vdiffs.listVDiffs(this.connection, workflow, keyspace);
  }

  /**
   * Stops and deletes every VDiff of workflows with its records; their streams run again. One call for each workflow.
   */
  deleteVDiffs(workflows: readonly string[], keyspace: string): Promise<void> {
    return vdiffs.deleteVDiffs(this.connection, workflows, keyspace);
  }

  /** Records of VDiffs of a keyspace, and of VDiffs of which only parts are left. Two calls. */
  vdiffRows(keyspace: string): Promise<vdiffRows.VDiffRecord[]> {
    return vdiffRows.readVDiffRows(this.connection, keyspace);
  }

  /** Deletes everything the tablet keeps of a VDiff, by the `id` that `vdiffRows` gives. Up to four calls. */
  deleteVDiffRows(id: string): Promise<void> {
    return vdiffRows.deleteVDiffRows(this.connection, id);
  }
}
