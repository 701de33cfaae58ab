import type { MessageInitShape } from '@bufbuild/protobuf';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import { containsPosition } from '../../migration/proof/position.js';
import { quoteName, quoteString } from '../../migration/sql/quote.js';
import type { ShardStreams } from '../../migration/watch/stream.js';
import {
  TabletSelectionPreference,
  type ReadVReplicationWorkflowResponse_Stream,
  type CreateVReplicationWorkflowRequestSchema,
  type VDiffOptionsSchema,
} from '../wire/tabletmanagerdata_pb.js';
import { OnDDLAction, VEventType, VReplicationWorkflowState, VReplicationWorkflowType } from '../wire/binlogdata_pb.js';
import { TabletType, type Tablet as TabletRecord } from '../wire/topodata_pb.js';
import { formatAlias } from '../topology/topology.js';
import { namedRows, type NamedRow } from './rows.js';
import { callTablet, type QueryClient, type TabletClients, type TabletManagerClient } from './transport.js';

/** Time limits in milliseconds: for questions, and for changes that may wait for a lock in MySQL. */
const questionTimeout = 10_000;
const changeTimeout = 60_000;

/** What Vitess's materializer sets while it creates target tables (`vreplication.SQLMode`). */
const sqlMode = 'NO_AUTO_VALUE_ON_ZERO';
const allTables = '/.*/';
/** Vitess's marks for "leave as it is" (`textutil.SimulatedNull…`). */
const sameCells = ['NULL'];
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the mark is no tablet type
const sameTabletTypes: TabletType[] = [-1 as TabletType];

/** A table as GetSchema describes it. Rows and bytes are estimates of `information_schema`. */
export interface TableSchema {
  name: string;
  ddl: string;
  rows: number;
  bytes: number;
  primaryKey: string[];
}

/** A row of `_vt.vreplication`, without what vtmigrate does not use. Times in seconds since 1970. */
export interface StreamRow {
  id: number;
  sourceKeyspace: string;
  sourceShard: string;
  externalCluster: string;
  state: string;
  message: string;
  position: string;
  /** Where a VDiff wants it to stop; empty otherwise. */
  stopPosition: string;
  transaction: number;
  updated: number;
  heartbeat: number;
  throttledBy: string;
}

/** A workflow's streams on a tablet, as far as they can get in another's way. */
export interface TabletWorkflow {
  workflow: string;
  tables: string[];
}

/** The tablet manager of one tablet, over gRPC. Each method is one call of Vitess's `TabletManager`. */
export class Tablet {
  readonly alias: string;
  readonly dbName: string;
  private readonly client: TabletManagerClient;
  private readonly queries: QueryClient;
  private readonly target: { keyspace: string; shard: string; tabletType: TabletType };
  private readonly place: Place;

  /** @throws MigrationError TABLET_UNREACHABLE when the record has no gRPC port */
  constructor(record: TabletRecord, cluster: string, tablets: TabletClients) {
    this.alias = formatAlias(record.alias);
    this.dbName = record.dbNameOverride === '' ? `vt_${record.keyspace}` : record.dbNameOverride;
    this.place = { cluster, keyspace: record.keyspace, shard: record.shard, tablet: this.alias };
    const port = record.portMap['grpc'];
    if (port === undefined)
      throw new MigrationError(
        'TABLET_UNREACHABLE',
        'the tablet record has no gRPC port',
        this.place,
        'start vttablet with --grpc-port',
      );
    this.target = { keyspace: record.keyspace, shard: record.shard, tabletType: record.type };
    ({ manager: this.client, query: this.queries } = tablets.client(record.hostname, port, cluster));
  }

  /** Base tables only, in the order of their names. */
  async tables(names?: readonly string[]): Promise<TableSchema[]> {
    // Vitess takes a name between slashes as a regular expression, and compares any other literally.
    const tables = names === undefined ? [allTables] : [...names];
    const response = await this.ask('GetSchema', (options) =>
      this.client.getSchema({ tables }, { ...options, timeoutMs: changeTimeout }),
    );
    const definitions = response.schemaDefinition?.tableDefinitions ?? [];
    return definitions
      .map((td) => ({
        name: td.name,
        ddl: td.schema,
        rows: Number(td.rowCount),
        bytes: Number(td.dataLength),
        primaryKey: td.primaryKeyColumns,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those of the tables that have a row, in the order given. */
  async nonEmptyTables(names: readonly string[]): Promise<string[]> {
    const filled: string[] = [];
    for (const name of names)
      if ((await this.query(`select 1 from ${quoteName(name)} limit 1`)).length > 0) filled.push(name);
    return filled;
  }

  /** Runs statements that create tables, with foreign key checks off, as Vitess's `deploySchema`. */
  async applySchema(sql: string): Promise<void> {
    await this.change('ApplySchema', (options) =>
      this.client.applySchema(
        { sql, force: false, allowReplication: true, sqlMode, disableForeignKeyChecks: true, batchSize: 0n },
        options,
      ),
    );
  }

  /** One statement as the DBA user. `_vt` stands for the sidecar database, whatever its name. */
  async query(
    sql: string,
    options: { disableForeignKeyChecks?: boolean; reloadSchema?: boolean; db?: string } = {},
  ): Promise<NamedRow[]> {
    const response = await this.change('ExecuteFetchAsDba', (callOptions) =>
      this.client.executeFetchAsDba(
        {
          query: Buffer.from(sql),
          dbName: options.db ?? this.dbName,
          maxRows: 100_000n,
          disableForeignKeyChecks: options.disableForeignKeyChecks ?? false,
          reloadSchema: options.reloadSchema ?? false,
        },
        callOptions,
      ),
    );
    return namedRows(response.result);
  }

  /** Makes the tablet read its shard record again, for example for denied tables. */
  async refreshState(): Promise<void> {
    await this.change('RefreshState', (options) => this.client.refreshState({}, options));
  }

  /** The GTID position of a primary, in Vitess's form (`MySQL56/…`). */
  async primaryPosition(): Promise<string> {
    return (await this.ask('PrimaryPosition', (options) => this.client.primaryPosition({}, options))).position;
  }

  async createStreams(request: MessageInitShape<typeof CreateVReplicationWorkflowRequestSchema>): Promise<void> {
    await this.change('CreateVReplicationWorkflow', (options) =>
      this.client.createVReplicationWorkflow(request, options),
    );
  }

  /** The streams of a workflow, empty when there is none of that name. */
  async streams(workflow: string): Promise<StreamRow[]> {
    const response = await this.ask('ReadVReplicationWorkflow', (options) =>
      this.client.readVReplicationWorkflow({ workflow }, options),
    );
    return response.streams.map((stream) => ({
      ...common(stream),
      stopPosition: stream.stopPos,
      transaction: Number(stream.transactionTimestamp?.seconds ?? 0n),
      updated: Number(stream.timeUpdated?.seconds ?? 0n),
      heartbeat: Number(stream.timeHeartbeat?.seconds ?? 0n),
      throttledBy: stream.componentThrottled,
    }));
  }

  /** Names of the workflows with streams into this tablet's database. */
  async workflowNames(): Promise<string[]> {
    const rows = await this.query(
      `select distinct workflow from _vt.vreplication where db_name = ${quoteString(this.dbName)} order by workflow`,
    );
    return rows.flatMap((row) => row['workflow'] ?? []);
  }

  /** The streams of a workflow with all that their rows say; without streams when there is none of that name. */
  async workflow(name: string): Promise<ShardStreams> {
    const response = await this.ask('ReadVReplicationWorkflow', (options) =>
      this.client.readVReplicationWorkflow({ workflow: name }, options),
    );
    return {
      shard: this.target.shard,
      tablet: this.alias,
      type: VReplicationWorkflowType[response.workflowType],
      cells: response.cells.split(',').flatMap((cell) => cell.trim() || []),
      tabletTypes: response.tabletTypes.map((type) => TabletType[type]),
      inOrder: response.tabletSelectionPreference === TabletSelectionPreference.INORDER,
      deferSecondaryKeys: response.deferSecondaryKeys,
      streams: response.streams.map((stream) => ({
        ...common(stream),
        stopAfterCopy: stream.bls?.stopAfterCopy ?? false,
        onDdl: OnDDLAction[stream.bls?.onDdl ?? OnDDLAction.IGNORE],
        matches: stream.bls?.filter?.rules.map((rule) => rule.match) ?? [],
      })),
    };
  }

  /** Every workflow with streams on this tablet, and the tables they write to; a pattern such as `/.*` stands as it is. */
  async workflows(): Promise<TabletWorkflow[]> {
    const { workflows } = await this.ask('ReadVReplicationWorkflows', (options) =>
      this.client.readVReplicationWorkflows({}, options),
    );
    return workflows.map(({ workflow, streams }) => ({
      workflow,
      tables: [...new Set(streams.flatMap((stream) => stream.bls?.filter?.rules.map((rule) => rule.match) ?? []))],
    }));
  }

  /** Sets the state of a workflow's streams, and their message where one is given, and changes nothing else. */
  async setStreamState(workflow: string, state: 'Running' | 'Stopped', message?: string): Promise<void> {
    await this.change('UpdateVReplicationWorkflow', (options) =>
      this.client.updateVReplicationWorkflow(
        // The preference must be UNKNOWN for the prefix in_order: to survive.
        {
          workflow,
          state: VReplicationWorkflowState[state],
          cells: sameCells,
          tabletTypes: sameTabletTypes,
          tabletSelectionPreference: TabletSelectionPreference.UNKNOWN,
          ...(message === undefined ? {} : { message }),
        },
        options,
      ),
    );
  }

  async deleteStreams(workflow: string): Promise<void> {
    await this.change('DeleteVReplicationWorkflow', (options) =>
      this.client.deleteVReplicationWorkflow({ workflow }, options),
    );
  }

  /** Returns when the stream has applied `position`. @throws TABLET_UNREACHABLE when `timeoutMs` have passed */
  async waitForPosition(id: number, position: string, timeoutMs: number): Promise<void> {
    await callTablet(this.place, 'VReplicationWaitForPos', () =>
      this.client.vReplicationWaitForPos({ id, position }, { timeoutMs }),
    );
  }

  /**
   * Those of the tables whose rows were changed after position `from` and up to position `to`, as
   * the tablet's binary logs tell it (`VStream` of Vitess's query service; nothing is changed).
   * @throws TABLET_UNREACHABLE when `to` has not come within `timeoutMs`; TABLET_CALL_FAILED, for
   * example when the logs have been purged
   */
  async changedTables(tables: readonly string[], from: string, to: string, timeoutMs: number): Promise<string[]> {
    if (containsPosition(from, to)) return [];
    const rules = tables.map((match) => ({ match, filter: `select * from ${quoteName(match)}` }));
    const changed = new Set<string>();
    await callTablet(this.place, 'VStream', async () => {
      for await (const { events } of this.queries.vStream(
        { target: this.target, position: from, filter: { rules } },
        { timeoutMs },
      )) {
        for (const event of events) {
          if (event.type === VEventType.ROW && event.rowEvent !== undefined) changed.add(event.rowEvent.tableName);
          if (event.type === VEventType.GTID && containsPosition(event.gtid, to)) return;
        }
        if (changed.size === tables.length) return;
      }
    });
    return [...changed].sort();
  }

  async createVDiff(
    workflow: string,
    keyspace: string,
    uuid: string,
    options: MessageInitShape<typeof VDiffOptionsSchema>,
  ): Promise<void> {
    await this.change('VDiff create', (callOptions) =>
      this.client.vDiff({ keyspace, workflow, action: 'create', vdiffUuid: uuid, options }, callOptions),
    );
  }

  /** The rows of a VDiff, one for each table once the VDiff has started; empty when there is no such VDiff. */
  async showVDiff(workflow: string, keyspace: string, uuid: string): Promise<NamedRow[]> {
    const known = await this.vdiffs(workflow, keyspace);
    if (!known.includes(uuid)) return [];
    const response = await this.ask('VDiff show', (options) =>
      this.client.vDiff({ keyspace, workflow, action: 'show', actionArg: uuid }, options),
    );
    return namedRows(response.output);
  }

  /** UUIDs of a workflow's VDiffs, newest first. */
  async vdiffs(workflow: string, keyspace: string): Promise<string[]> {
    const response = await this.ask('VDiff show', (options) =>
      this.client.vDiff({ keyspace, workflow, action: 'show', actionArg: 'all' }, options),
    );
    return namedRows(response.output).flatMap((row) => row['vdiff_uuid'] ?? []);
  }

  /** Stops and deletes every VDiff of a workflow with its records; its streams run again. */
  async deleteVDiffs(workflow: string, keyspace: string): Promise<void> {
    await this.change('VDiff delete', (options) =>
      this.client.vDiff({ keyspace, workflow, action: 'delete', actionArg: 'all' }, options),
    );
  }

  private ask<T>(what: string, call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    return callTablet(this.place, what, () => call({ timeoutMs: questionTimeout }));
  }

  private change<T>(what: string, call: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    return callTablet(this.place, what, () => call({ timeoutMs: changeTimeout }));
  }
}

/** What everybody wants to know of a stream. */
function common(stream: ReadVReplicationWorkflowResponse_Stream) {
  return {
    id: stream.id,
    sourceKeyspace: stream.bls?.keyspace ?? '',
    sourceShard: stream.bls?.shard ?? '',
    externalCluster: stream.bls?.externalCluster ?? '',
    state: VReplicationWorkflowState[stream.state],
    message: stream.message,
    position: stream.pos,
  };
}
