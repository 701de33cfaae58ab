import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type CallOptions } from '@connectrpc/connect';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertClaims } from '../../../src/vitess/claims.js';
import type { NamedRow } from '../../../src/vitess/tablet/rows.js';
import type { QueryClient, TabletClient, TabletManagerClient } from '../../../src/vitess/tablet/transport.js';
import { deniedTables } from '../../../src/vitess/topology/shard-record.js';
import { VEventType, VStreamResponseSchema, type VStreamResponse } from '../../../src/vitess/wire/binlogdata_pb.js';
import { QueryResultSchema, StreamHealthResponseSchema, type QueryResult } from '../../../src/vitess/wire/query_pb.js';
import * as wire from '../../../src/vitess/wire/tabletmanagerdata_pb.js';
import { TabletManager } from '../../../src/vitess/wire/tabletmanagerservice_pb.js';
import type { Shard } from '../../../src/vitess/wire/topodata_pb.js';
import type { FakeMysql } from './mysql.js';
import type { Pace } from './pace.js';
import { FakeSql } from './sql.js';
import { FakeVDiffs } from './vdiff.js';
import { FakeVReplication, type FindSource } from './vreplication.js';

type Methods = typeof TabletManager.method;
type Handlers = {
  [M in keyof Methods]?: (
    request: never,
    options: CallOptions | undefined,
  ) => MessageInitShape<Methods[M]['output']> | Promise<MessageInitShape<Methods[M]['output']>>;
};

/** A primary vttablet with its MySQL: what its tablet manager answers, and what it denies to applications. */
export class FakeTablet {
  readonly vreplication: FakeVReplication;
  readonly vdiff: FakeVDiffs;
  private readonly sql: FakeSql;
  /** The denied tables it enforces: those that were there when it last read its shard record. */
  denied: string[] = [];

  constructor(
    readonly alias: string,
    readonly mysql: FakeMysql,
    private readonly shardRecord: () => Shard,
    private readonly findSource: FindSource,
    private readonly pace: Pace,
  ) {
    this.vreplication = new FakeVReplication(mysql, findSource);
    this.vdiff = new FakeVDiffs(mysql, this.vreplication, alias);
    this.sql = new FakeSql(mysql, this.vreplication, this.vdiff);
  }

  /** Another tablet of its shard, with the same rows. */
  replica(alias: string): FakeTablet {
    return new FakeTablet(alias, this.mysql, this.shardRecord, this.findSource, this.pace);
  }

  client(): TabletClient {
    return {
      manager: this.manager(),
      query: {
        streamHealth: () => healthy(),
        vStream: (request, options) => this.changes(request, options?.timeoutMs ?? 0),
      },
    };
  }

  /** The client of its tablet manager. Requests and answers are copies, as they are on the wire. */
  private manager(): TabletManagerClient {
    const handlers = this.handlers() as Record<string, (request: unknown, options?: CallOptions) => unknown>;
    const calls = Object.entries(TabletManager.method).map(([name, { input, output }]) => [
      name,
      async (request: never, options?: CallOptions) => {
        await Promise.resolve();
        assertClaims();
        const handler = handlers[name];
        if (handler === undefined) throw new ConnectError(`the fake tablet has no ${name}`, Code.Unimplemented);
        return create(output, (await handler(create(input, structuredClone(request)), options)) as never);
      },
    ]);
    return Object.fromEntries(calls) as TabletManagerClient;
  }

  private handlers(): Handlers {
    const { mysql, vreplication } = this;
    return {
      getSchema: ({ tables }: wire.GetSchemaRequest) => ({
        schemaDefinition: { tableDefinitions: this.schema(tables) },
      }),
      applySchema: ({ sql }: wire.ApplySchemaRequest) => (asVitess(() => mysql.createTable(sql)), {}),
      executeMultiFetchAsDba: ({ sql }: wire.ExecuteMultiFetchAsDbaRequest) => {
        const statements = Buffer.from(sql).toString().split(';\n');
        for (const each of statements.filter((text) => !/^(do get_lock|set session)\b/.test(text)))
          asVitess(() => mysql.createTable(each));
        return {};
      },
      reloadSchema: () => ({}),
      refreshState: () => {
        this.denied = deniedTables(this.shardRecord()).filter((table) => mysql.tables.has(table));
        return {};
      },
      executeFetchAsDba: ({ query }: wire.ExecuteFetchAsDbaRequest) => ({
        result: packed(asVitess(() => this.sql.execute(Buffer.from(query).toString()))),
      }),
      primaryPosition: () => ({ position: mysql.position() }),
      createVReplicationWorkflow: (request: wire.CreateVReplicationWorkflowRequest) => {
        for (const source of request.binlogSource) vreplication.insert(request, source);
        return {};
      },
      deleteVReplicationWorkflow: ({ workflow }: wire.DeleteVReplicationWorkflowRequest) => (
        vreplication.delete(workflow),
        {}
      ),
      updateVReplicationWorkflow: (request: wire.UpdateVReplicationWorkflowRequest) => {
        const { workflow, state, message, configOverrides } = request;
        if (Object.keys(configOverrides).length > 0) vreplication.configure(workflow, configOverrides);
        vreplication.changeReading(workflow, request);
        if (state !== undefined) vreplication.setState(workflow, state, message);
        return {};
      },
      readVReplicationWorkflows: ({ includeWorkflows }: wire.ReadVReplicationWorkflowsRequest) => ({
        workflows: [...new Set(vreplication.streams.map(({ workflow }) => workflow))]
          .filter((name) => includeWorkflows.length === 0 || includeWorkflows.includes(name))
          .map((name) => this.workflow(name)),
      }),
      validateVReplicationPermissions: () => ({ user: 'vt_filtered', ok: true }),
      mysqlHostMetrics: () => ({}),
      getThrottlerStatus: () => ({}),
      vReplicationWaitForPos: (request: wire.VReplicationWaitForPosRequest, options) =>
        this.waitForPosition(request, options?.timeoutMs ?? 0),
      vDiff: (request: wire.VDiffRequest) => ({
        vdiffUuid: request.vdiffUuid,
        output: packed(this.vdiff.perform(request)),
      }),
    };
  }

  /** The tables named; the code asks for all of them by the regular expression that matches everything. */
  private schema(names: readonly string[]) {
    return [...this.mysql.tables]
      .filter(([name]) => names.includes('/.*/') || names.includes(name))
      .map(([name, { ddl, primaryKey, rows }]) => ({
        name,
        schema: ddl,
        type: 'BASE TABLE',
        primaryKeyColumns: primaryKey,
        rowCount: BigInt(rows.size),
        dataLength: BigInt(rows.size * 16_384),
      }));
  }

  /** A workflow with the streams as they are after one more step. */
  private workflow(workflow: string): MessageInitShape<typeof wire.ReadVReplicationWorkflowResponseSchema> {
    this.vreplication.advance(workflow);
    const streams = this.vreplication.of(workflow);
    const [first] = streams;
    if (first === undefined) return {};
    const { cells, tabletTypes, tabletSelectionPreference, workflowType, deferSecondaryKeys, options } = first.request;
    return {
      workflow,
      cells: cells.join(','),
      tabletTypes,
      tabletSelectionPreference,
      workflowType,
      deferSecondaryKeys,
      options,
      streams: streams.map(({ id, source, position, state, message }) => ({
        id,
        bls: source,
        pos: position,
        state,
        message,
      })),
    };
  }

  /** The tablet's deadline is the caller's: it may answer first, with an error that has no status of its own. */
  private async waitForPosition({ id, position }: wire.VReplicationWaitForPosRequest, timeoutMs: number) {
    for (const deadline = Date.now() + timeoutMs; !this.vreplication.waitFor(id, position);) {
      if (Date.now() > deadline) throw new ConnectError('context deadline exceeded', Code.Unknown);
      await sleep(this.pace.waitPoll);
    }
    return {};
  }

  /**
   * What was written to some tables after a position, and then what comes, until the time is over: the tablet, whose
   * deadline is the caller's, may end the stream without an error before the caller's own time-out does.
   */
  private async *changes(
    request: Parameters<QueryClient['vStream']>[0],
    timeoutMs: number,
  ): AsyncGenerator<VStreamResponse> {
    const tables = request.filter?.rules?.map((rule) => rule.match ?? '') ?? [];
    let position = request.position === 'current' ? this.mysql.position() : (request.position ?? '');
    for (const deadline = Date.now() + timeoutMs; Date.now() <= deadline;) {
      await sleep(this.pace.waitPoll);
      const changes = this.mysql.changesSince(position).filter(({ table }) => tables.includes(table));
      position = this.mysql.position();
      const rows = changes.map(({ table, key }) => ({
        type: VEventType.ROW,
        rowEvent: {
          tableName: table,
          rowChanges: [{ after: { lengths: [BigInt(key.length)], values: Buffer.from(key) } }],
        },
      }));
      yield create(VStreamResponseSchema, { events: [...rows, { type: VEventType.GTID, gtid: position }] });
    }
  }
}

/** Errors of MySQL come through vttablet with the status Unknown. */
function asVitess<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ConnectError(error instanceof Error ? error.message : String(error), Code.Unknown);
  }
}

/** Rows as Vitess packs them: lengths (-1 for NULL) and one run of bytes. */
function packed(rows: readonly NamedRow[]): QueryResult {
  const names = Object.keys(rows[0] ?? {});
  return create(QueryResultSchema, {
    fields: names.map((name) => ({ name })),
    rows: rows.map((row) => {
      const values = names.map((name) => (typeof row[name] === 'string' ? Buffer.from(row[name]) : undefined));
      return {
        lengths: values.map((value) => BigInt(value?.length ?? -1)),
        values: Buffer.concat(values.flatMap((value) => value ?? [])),
      };
    }),
  });
}

async function* healthy() {
  await Promise.resolve();
  yield create(StreamHealthResponseSchema, { serving: true, realtimeStats: {} });
}
