import { streamsOf, type Plan, type PlannedStream } from '../migration/plan/plan.js';
import type { StreamOptions } from '../migration/input/options.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import { create } from '@bufbuild/protobuf';
import { BinlogSourceSchema, VReplicationWorkflowType } from '../vitess/wire/binlogdata_pb.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { toStored, writeOverrides } from '../vitess/tablet/stream-options.js';
import type { StreamsRequest } from '../vitess/tablet/streams.js';
import type { EffectContext } from './context.js';
import type { Source } from './source/source.js';

/**
 * Vitess's flag by which a stream repeats several rows with one statement, and its default flags. For a change of many
 * rows, some of which come to the stream's shard while others leave it, that leaves rows in two shards, or ends the
 * tablet's process (docs/adr/0015).
 */
const flagsName = 'vreplication-experimental-flags';
const batching = 4;
const defaultFlags = 7;

function withoutBatching(overrides: Record<string, string> = {}): Record<string, string> {
  const flags = Number(overrides[flagsName] ?? defaultFlags);
  return { ...overrides, [flagsName]: String(flags & ~batching) };
}

/** What `change` sets, to compare. */
function readingOf(cells: readonly string[], options: StreamOptions): string {
  return JSON.stringify([cells, options.tabletTypes, options.tabletTypesInPreferenceOrder, options.onDdl]);
}

/** The streams of a migration's workflow: rows of `_vt.vreplication` on the target's primaries. */
export const streams = {
  /** Inserts those of a shard's streams that are missing, stopped. */
  async make(
    context: EffectContext,
    plan: Plan,
    source: Source,
    shard: ShardFacts,
    tablet: TabletHandle,
  ): Promise<void> {
    const present = new Set((await tablet.streams(plan.target.workflow)).map((stream) => stream.sourceShard));
    const missing = streamsOf(plan, shard).filter((stream) => !present.has(stream.sourceShard));
    if (missing.length === 0) return;
    await context.beforeEffect();
    await context.journals.update(context.ref.runId, (record) => {
      record.streams = true;
    });
    // One call for each: a call with several inserts them one by one and may end half-way.
    for (const stream of missing) await tablet.createStreams(toStreamsRequest(plan, source, stream));
  },

  /** Makes a shard's streams that another program has made into a sharded target repeat each row by itself. */
  async stopBatching(context: EffectContext, tablet: TabletHandle): Promise<void> {
    const { workflow } = context.ref.id;
    for (const { configOverrides } of await tablet.workflows({ workflow })) {
      const wanted = withoutBatching(configOverrides);
      if (wanted[flagsName] === configOverrides[flagsName]) continue;
      await context.beforeEffect();
      await tablet.setConfigOverrides(workflow, wanted);
    }
  },

  /** Makes a shard's streams read where the plan says, and treat DDL as it says. */
  async change(context: EffectContext, plan: Plan, tablet: TabletHandle): Promise<void> {
    const { workflow } = context.ref.id;
    const wanted = readingOf(plan.source.cells, plan.stream);
    const found = await tablet.workflows({ workflow });
    if (found.every(({ cells, options }) => readingOf(cells, options) === wanted)) return;
    await context.beforeEffect();
    await tablet.setStreamOptions(workflow, plan.source.cells, plan.stream);
  },

  /** Starts a shard's streams for the first time. */
  async start(context: EffectContext, plan: Plan, tablet: TabletHandle): Promise<void> {
    // A start that failed half-way leaves a stream that says Running and does nothing.
    if (!(await tablet.streams(plan.target.workflow)).some((stream) => stream.position === '')) return;
    await context.beforeEffect();
    await tablet.setStreamState(plan.target.workflow, 'Running');
  },

  /**
   * Takes tables out of a shard's streams: their rules, and what is left to copy of them. The streams must be stopped
   * for it, and stay stopped. Their positions stay as they are, which hold for every other table.
   */
  async dropTables(context: EffectContext, tablet: TabletHandle, tables: readonly string[]): Promise<void> {
    const { workflow } = context.ref.id;
    const streams = await tablet.streams(workflow);
    const ids = streams.map(({ id }) => id);
    if (ids.length === 0) return;
    if (streams.some(({ matches }) => matches.some((match) => tables.includes(match)))) {
      await context.beforeEffect();
      // One that is in trouble keeps its message, which says why.
      await tablet.setStreamState(workflow, 'Stopped');
      await context.beforeEffect();
      await tablet.removeRules(workflow, tables);
    }
    const copying = [...(await tablet.copyState(ids)).values()].flat();
    if (!copying.some((table) => tables.includes(table))) return;
    await context.beforeEffect();
    await tablet.deleteTableCopyState(ids, tables);
  },

  /** Starts a shard's streams again, those that are stopped and those that Vitess has ended. */
  async startAgain(context: EffectContext, tablet: TabletHandle): Promise<void> {
    const { workflow } = context.ref.id;
    const going = (await tablet.streams(workflow)).every(({ state }) => state !== 'Stopped' && state !== 'Error');
    if (going) return;
    await context.beforeEffect();
    await tablet.setStreamState(workflow, 'Running', '');
  },

  /**
   * Deletes VDiff records and stops the streams on every serving shard of the target: nothing writes to its tables any
   * more. In this order, for streams run again when their VDiff is deleted.
   */
  async stop(context: EffectContext): Promise<void> {
    await onEachShardWithoutVDiffs(context, async (tablet, workflow) => {
      if ((await tablet.streams(workflow)).every(({ state }) => state === 'Stopped')) return;
      await context.beforeEffect();
      await tablet.setStreamState(workflow, 'Stopped');
    });
  },

  /** Deletes VDiff records and streams on every serving shard of the target. */
  async undo(context: EffectContext): Promise<void> {
    await onEachShardWithoutVDiffs(context, async (tablet, workflow) => {
      if ((await tablet.streams(workflow)).length > 0) await tablet.deleteStreams(workflow);
    });
  },
};

/** One serving shard of the target after the other, once its VDiff records are deleted. */
async function onEachShardWithoutVDiffs(
  context: EffectContext,
  work: (tablet: TabletHandle, workflow: string) => Promise<void>,
): Promise<void> {
  const { clients, ref } = context;
  const { keyspace, workflow } = ref.id;
  for (const { name } of await clients.target.servingShards(keyspace)) {
    const tablet = await clients.primary(clients.target, keyspace, name);
    await context.beforeEffect();
    await tablet.deleteVDiffs(workflow, keyspace);
    await work(tablet, workflow);
  }
}

/** The call that inserts one Stopped stream of type Migrate, as `vtctldclient Migrate create` makes it. */
function toStreamsRequest(plan: Plan, source: Source, stream: PlannedStream): StreamsRequest {
  const stored = toStored(plan.stream);
  const binlogSource = create(BinlogSourceSchema, {
    ...stored.source,
    ...source.streamSource(stream.sourceShard),
    filter: { rules: stream.rules },
  });
  return {
    workflow: plan.target.workflow,
    binlogSource: [binlogSource],
    cells: plan.source.cells,
    workflowType: VReplicationWorkflowType.Migrate,
    ...stored.row,
    options: writeOverrides(stream.filtered ? withoutBatching() : {}),
  };
}
