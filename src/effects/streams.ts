import { streamsOf, type Plan, type PlannedStream } from '../migration/plan/plan.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import { planWithout } from '../migration/plan/leaving.js';
import { isWithin } from '../migration/input/hours.js';
import type { StreamOptions } from '../migration/input/stream-options.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import { create } from '@bufbuild/protobuf';
import { BinlogSourceSchema, VReplicationWorkflowType } from '../vitess/wire/binlogdata_pb.js';
import { heldBackMessage, outside } from '../migration/watch/holding-back.js';
import type { ShardStreams } from '../migration/watch/stream.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { toStored, writeOverrides } from '../vitess/tablet/stream-options.js';
import type { StreamsRequest } from '../vitess/tablet/streams.js';
import type { EffectContext, TargetShard } from './context.js';
import { sideBySide } from './side-by-side.js';
import type { Source } from './source/source.js';

/**
 * Vitess's flag by which a stream repeats several rows with one statement, and its default flags. For a change of many
 * rows, some of which come to the stream's shard while others leave it, that leaves rows in two shards, or ends the
 * tablet's process (docs/adr/0015).
 */
const flagsName = 'vreplication-experimental-flags';
const batching = 4;
const defaultFlags = 7;

/** The config overrides of streams. @param filtered they take some of a source shard's rows */
function overridesOf({ configOverrides }: StreamOptions, filtered: boolean): Record<string, string> {
  if (!filtered) return configOverrides;
  const flags = Number(configOverrides[flagsName] ?? defaultFlags);
  return { ...configOverrides, [flagsName]: String(flags & ~batching) };
}

/** Sets the config overrides of those of a shard's workflows that have other ones. */
async function setOverrides(
  context: EffectContext,
  tablet: TabletHandle,
  found: readonly ShardStreams[],
  wanted: Record<string, string>,
): Promise<void> {
  const inOrder = (overrides: Record<string, string>) => JSON.stringify(Object.entries(overrides).sort());
  for (const { workflow, options } of found) {
    if (inOrder(options.configOverrides) === inOrder(wanted)) continue;
    const cleared = Object.keys(options.configOverrides).map((name) => [name, ''] as const);
    await context.beforeEffect();
    await tablet.setConfigOverrides(workflow, { ...Object.fromEntries(cleared), ...wanted });
  }
}

/** What `change` sets, to compare. */
function readingOf(cells: readonly string[], options: StreamOptions): string {
  return JSON.stringify([cells, options.tabletTypes, options.tabletTypesInPreferenceOrder, options.onDdl]);
}

/** The streams of a migration's lanes: rows of `_vt.vreplication` on the target's primaries. */
export const streams = {
  /** Inserts those of the streams that are missing, stopped. */
  async make(context: EffectContext, plan: Plan, source: Source, shards: readonly TargetShard[]): Promise<void> {
    const found = await sideBySide(shards, async ({ shard, tablet }) => {
      const present = await tablet.streams(workflowsOf(plan));
      const missing = streamsOf(plan, shard).filter(
        ({ workflow, sourceShard }) =>
          !present.some((stream) => stream.workflow === workflow && stream.sourceShard === sourceShard),
      );
      return { tablet, missing };
    });
    const lacking = found.filter(({ missing }) => missing.length > 0);
    if (lacking.length === 0) return;
    await context.beforeEffect();
    await context.journals.update(context.ref.runId, (record) => {
      record.streams = true;
      record.workflows = workflowsOf(plan);
    });
    await sideBySide(lacking, async ({ tablet, missing }) => {
      // One call for each: a call with several inserts them one by one and may end half-way.
      for (const stream of missing) {
        await context.beforeEffect();
        await tablet.createStreams(toStreamsRequest(plan, source, stream));
      }
    });
  },

  /**
   * Makes a shard's streams that another program has made into a sharded target repeat each row by itself, and leaves
   * their other config overrides as they are.
   */
  async stopBatching(context: EffectContext, plan: Plan, tablet: TabletHandle): Promise<void> {
    for (const found of await tablet.workflows(workflowsOf(plan)))
      await setOverrides(context, tablet, [found], overridesOf(found.options, true));
  },

  /** Makes a shard's streams read where the plan says, with its config overrides, and treat DDL as it says. */
  async change(context: EffectContext, plan: Plan, shard: ShardFacts, tablet: TabletHandle): Promise<void> {
    const wanted = readingOf(plan.source.cells, plan.stream);
    const found = await tablet.workflows(workflowsOf(plan));
    const others = found.filter(({ cells, options }) => readingOf(cells, options) !== wanted);
    if (others.length > 0) {
      await context.beforeEffect();
      await tablet.setStreamOptions(workflowNames(others), plan.source.cells, plan.stream);
    }
    const filtered = streamsOf(plan, shard).some((stream) => stream.filtered);
    await setOverrides(context, tablet, found, overridesOf(plan.stream, filtered));
  },

  /** Starts a shard's streams for the first time; outside their hours they say why they stand. */
  async start(context: EffectContext, plan: Plan, tablet: TabletHandle, hours: string): Promise<void> {
    // A start that failed half-way leaves a stream that says Running and does nothing.
    const waiting = (await tablet.streams(workflowsOf(plan))).filter(({ position }) => position === '');
    if (waiting.length === 0) return;
    await context.beforeEffect();
    const names = workflowNames(waiting);
    if (isWithin(hours, new Date())) await tablet.setStreamState(names, 'Running');
    else await tablet.setStreamState(names, 'Stopped', heldBackMessage(outside(hours)));
  },

  /**
   * Takes tables out of a shard's streams: their rules, and what is left to copy of them. The lanes that have them are
   * stopped for it, and stay stopped. The positions of their streams stay as they are, which hold for every other
   * table. Of a lane that has no other table, the rules stay until `dropLanes`.
   */
  async dropTables(context: EffectContext, plan: Plan, tablet: TabletHandle, tables: readonly string[]): Promise<void> {
    const found = await tablet.streams(workflowsOf(plan));
    const touched = found.filter(({ matches }) => matches.some((match) => tables.includes(match)));
    const kept = workflowsOf(planWithout(plan, tables));
    if (touched.length > 0) {
      await context.beforeEffect();
      // One that is in trouble keeps its message, which says why.
      await tablet.setStreamState(workflowNames(touched), 'Stopped');
    }
    const changed = workflowNames(touched).filter((name) => kept.includes(name));
    if (changed.length > 0) {
      await context.beforeEffect();
      await tablet.removeRules(changed, tables);
    }
    const ids = found.map(({ id }) => id);
    const copying = [...(await tablet.copyState(ids)).values()].flat();
    if (!copying.some((table) => tables.includes(table))) return;
    await context.beforeEffect();
    await tablet.deleteTableCopyState(ids, tables);
  },

  /** Deletes the lanes that have none but these tables, once nothing is left of what they have copied. */
  async dropLanes(context: EffectContext, plan: Plan, tablet: TabletHandle, tables: readonly string[]): Promise<void> {
    const kept = workflowsOf(planWithout(plan, tables));
    const found = await tablet.streams(workflowsOf(plan).filter((name) => !kept.includes(name)));
    if (found.length === 0) return;
    await context.beforeEffect();
    await tablet.deleteStreams(workflowNames(found));
  },

  /** Starts a shard's streams again, those that are stopped and those that Vitess has ended. */
  async startAgain(context: EffectContext, plan: Plan, tablet: TabletHandle): Promise<void> {
    const streams = await tablet.streams(workflowsOf(plan));
    const standing = streams.filter(({ state }) => state === 'Stopped' || state === 'Error');
    if (standing.length === 0) return;
    await context.beforeEffect();
    await tablet.setStreamState(workflowNames(standing), 'Running', '');
  },

  /**
   * Deletes VDiff records and stops the streams on every serving shard of the target: nothing writes to its tables any
   * more. In this order, for streams run again when their VDiff is deleted.
   */
  async stop(context: EffectContext, workflows: readonly string[]): Promise<void> {
    await onEachShardWithoutVDiffs(context, workflows, async (tablet) => {
      const going = (await tablet.streams(workflows)).filter(({ state }) => state !== 'Stopped');
      if (going.length === 0) return;
      await context.beforeEffect();
      await tablet.setStreamState(workflowNames(going), 'Stopped');
    });
  },

  /** Deletes VDiff records and streams on every serving shard of the target. */
  async undo(context: EffectContext, workflows: readonly string[]): Promise<void> {
    await onEachShardWithoutVDiffs(context, workflows, async (tablet) => {
      const there = await tablet.streams(workflows);
      if (there.length > 0) await tablet.deleteStreams(workflowNames(there));
    });
  },
};

/** The workflows of streams, each once. */
export function workflowNames(of: readonly { workflow: string }[]): string[] {
  return [...new Set(of.map(({ workflow }) => workflow))];
}

/** The serving shards of the target side by side, each once its VDiff records are deleted. */
async function onEachShardWithoutVDiffs(
  context: EffectContext,
  workflows: readonly string[],
  work: (tablet: TabletHandle) => Promise<void>,
): Promise<void> {
  const { clients, ref } = context;
  const { keyspace } = ref.id;
  await sideBySide(await clients.target.servingShards(keyspace), async ({ name }) => {
    const tablet = await clients.primary(clients.target, keyspace, name);
    await context.beforeEffect();
    await tablet.deleteVDiffs(workflows, keyspace);
    await work(tablet);
  });
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
    workflow: stream.workflow,
    binlogSource: [binlogSource],
    cells: plan.source.cells,
    workflowType: VReplicationWorkflowType.Migrate,
    ...stored.row,
    options: writeOverrides(overridesOf(plan.stream, stream.filtered)),
  };
}
