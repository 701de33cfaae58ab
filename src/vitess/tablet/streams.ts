import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { MigrationError } from '../../migration/problem/errors.js';
import type { StreamOptions } from '../../migration/input/stream-options.js';
import { containsPosition } from '../../migration/proof/position.js';
import { quoteName } from '../../migration/sql/quote.js';
import type { ShardStreams, Stream } from '../../migration/watch/stream.js';
import {
  BinlogSourceSchema,
  VEventType,
  VReplicationWorkflowState,
  VReplicationWorkflowType,
} from '../wire/binlogdata_pb.js';
import {
  TabletSelectionPreference,
  type CreateVReplicationWorkflowRequestSchema,
  type ReadVReplicationWorkflowResponse,
  type ReadVReplicationWorkflowResponse_Stream,
  type UpdateVReplicationWorkflowRequestSchema,
} from '../wire/tabletmanagerdata_pb.js';
import { TabletType } from '../wire/topodata_pb.js';
import type { Time } from '../wire/vttime_pb.js';
import type { TabletConnection } from './connection.js';
import { readStream } from './transport.js';
import { withoutRules } from './source-text.js';
import { readSources, writeSource } from './sql/streams.js';
import { fromStored, toStored } from './stream-options.js';

/** Vitess's marks for "leave as it is" (`textutil.SimulatedNull…`). */
const sameCells = ['NULL'];
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the mark is no tablet type
const sameTabletTypes: TabletType[] = [-1 as TabletType];

/** The streams to create: the request of Vitess's `CreateVReplicationWorkflow`. */
export type StreamsRequest = MessageInitShape<typeof CreateVReplicationWorkflowRequestSchema>;

export async function createStreams(tablet: TabletConnection, request: StreamsRequest): Promise<void> {
  await tablet.change('CreateVReplicationWorkflow', (options) =>
    tablet.manager.createVReplicationWorkflow(request, options),
  );
}

/** `ReadVReplicationWorkflows`, in the order of the names: of all workflows, or of those named. */
export async function readWorkflows(
  tablet: TabletConnection,
  workflows: readonly string[] | undefined,
): Promise<ShardStreams[]> {
  if (workflows?.length === 0) return [];
  const read = (names: readonly string[]) =>
    tablet.ask(
      'ReadVReplicationWorkflows',
      (options) => tablet.manager.readVReplicationWorkflows({ includeWorkflows: [...names] }, options),
      names.join(' '),
    );
  const found = await (workflows === undefined ? read([]) : tablet.readAbout('workflows', workflows, read));
  return found.workflows
    .filter(({ workflow }) => workflows === undefined || workflows.includes(workflow))
    .map((response) => toShardStreams(tablet, response))
    .sort((a, b) => (a.workflow < b.workflow ? -1 : 1));
}

function toShardStreams(tablet: TabletConnection, response: ReadVReplicationWorkflowResponse): ShardStreams {
  return {
    workflow: response.workflow,
    shard: tablet.record.shard,
    tablet: tablet.alias,
    type: VReplicationWorkflowType[response.workflowType],
    cells: response.cells.split(',').flatMap((cell) => cell.trim() || []),
    options: fromStored(response),
    streams: response.streams.map((stream) => toStream(stream, response.workflow)),
  };
}

function toStream(stream: ReadVReplicationWorkflowResponse_Stream, workflow: string): Stream {
  const source = stream.bls ?? create(BinlogSourceSchema);
  return {
    id: stream.id,
    workflow,
    sourceKeyspace: source.keyspace,
    sourceShard: source.shard,
    externalCluster: source.externalCluster,
    state: VReplicationWorkflowState[stream.state],
    message: stream.message,
    position: stream.pos,
    stopPosition: stream.stopPos,
    matches: source.filter?.rules.map((rule) => rule.match) ?? [],
    transaction: toSeconds(stream.transactionTimestamp),
    updated: toSeconds(stream.timeUpdated),
    heartbeat: toSeconds(stream.timeHeartbeat),
    throttledBy: stream.componentThrottled,
  };
}

function toSeconds(time: Time | undefined): number {
  return Number(time?.seconds ?? 0n);
}

/** Sets the state of workflows' streams, and their message if one is given (`UpdateVReplicationWorkflow`). */
export async function setStreamState(
  tablet: TabletConnection,
  workflows: readonly string[],
  state: 'Running' | 'Stopped',
  message?: string,
): Promise<void> {
  const told = message === undefined ? {} : { message };
  for (const workflow of workflows)
    await updateStreams(tablet, { workflow, state: VReplicationWorkflowState[state], ...told });
}

/**
 * Sets all config overrides of a workflow's streams, which start anew with them (`UpdateVReplicationWorkflow`). Those
 * that are not named are gone; Vitess takes an empty list for no change.
 */
export async function setConfigOverrides(
  tablet: TabletConnection,
  workflow: string,
  configOverrides: Record<string, string>,
): Promise<void> {
  await updateStreams(tablet, { workflow, configOverrides });
}

/** Sets where workflows' streams read, and what they do with DDL (`UpdateVReplicationWorkflow`). */
export async function setStreamOptions(
  tablet: TabletConnection,
  workflows: readonly string[],
  cells: readonly string[],
  options: StreamOptions,
): Promise<void> {
  const { row, source } = toStored(options);
  const { tabletTypes, tabletSelectionPreference } = row;
  for (const workflow of workflows)
    await updateStreams(tablet, {
      workflow,
      cells: [...cells],
      tabletTypes,
      tabletSelectionPreference,
      onDdl: source.onDdl,
    });
}

async function updateStreams(
  tablet: TabletConnection,
  changes: MessageInitShape<typeof UpdateVReplicationWorkflowRequestSchema>,
): Promise<void> {
  await tablet.change('UpdateVReplicationWorkflow', (options) =>
    tablet.manager.updateVReplicationWorkflow(
      {
        cells: sameCells,
        tabletTypes: sameTabletTypes,
        // UNKNOWN lets the prefix in_order: survive.
        tabletSelectionPreference: TabletSelectionPreference.UNKNOWN,
        ...changes,
      },
      options,
    ),
  );
}

/**
 * Takes the rules of some tables out of each stream of workflows. A stream reads its row when it starts, so it must
 * be stopped. @throws MigrationError TABLET_REFUSED when the rules of a stream cannot be told apart
 */
export async function removeRules(
  tablet: TabletConnection,
  workflows: readonly string[],
  tables: readonly string[],
): Promise<void> {
  const streams = (await readWorkflows(tablet, workflows)).flatMap((each) => each.streams);
  const sources = await readSources(tablet, workflows);
  for (const { id, matches } of streams) {
    if (!matches.some((match) => tables.includes(match))) continue;
    const changed = withoutRules(sources.get(id) ?? '', matches, tables);
    if (changed === undefined)
      throw new MigrationError(
        'TABLET_REFUSED',
        `the rules of stream ${id} are not in the form that Vitess writes`,
        tablet.place,
        'see the source of the stream: vtctldclient Workflow show',
      );
    await writeSource(tablet, id, changed);
  }
}

export async function deleteStreams(tablet: TabletConnection, workflows: readonly string[]): Promise<void> {
  for (const workflow of workflows)
    await tablet.change('DeleteVReplicationWorkflow', (options) =>
      tablet.manager.deleteVReplicationWorkflow({ workflow }, options),
    );
}

export async function waitForPosition(
  tablet: TabletConnection,
  id: number,
  position: string,
  timeoutMs: number,
): Promise<void> {
  await tablet.call('VReplicationWaitForPos', timeoutMs, (options) =>
    tablet.manager.vReplicationWaitForPos({ id, position }, options),
  );
}

/** Reads the binary logs through `VStream` of Vitess's query service. */
export async function changedTables(
  tablet: TabletConnection,
  tables: readonly string[],
  from: string,
  to: string,
  timeoutMs: number,
): Promise<string[]> {
  if (containsPosition(from, to)) return [];
  const { keyspace, shard, type } = tablet.record;
  const rules = tables.map((match) => ({ match, filter: `select * from ${quoteName(match)}` }));
  const changed = new Set<string>();
  const request = { target: { keyspace, shard, tabletType: type }, position: from, filter: { rules } };
  await tablet.call('VStream', timeoutMs, (options) =>
    readStream(
      options,
      (whole) => tablet.queries.vStream(request, whole),
      async (messages) => {
        for await (const { events } of messages) {
          for (const event of events) {
            if (event.type === VEventType.ROW && event.rowEvent !== undefined) changed.add(event.rowEvent.tableName);
            if (event.type === VEventType.GTID && containsPosition(event.gtid, to)) return;
          }
          if (changed.size === tables.length) return;
        }
        // At its deadline a tablet may end the stream without an error. What it did not read is not known.
        throw new ConnectError(`the stream ended before the position ${to}`, Code.Aborted);
      },
    ),
  );
  return [...changed].sort();
}
