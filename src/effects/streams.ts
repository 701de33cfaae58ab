import { streamsOf, type Plan, type PlannedStream } from '../migration/plan/plan.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import { create } from '@bufbuild/protobuf';
import { BinlogSourceSchema, VReplicationWorkflowType } from '../vitess/wire/binlogdata_pb.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { toStored } from '../vitess/tablet/stream-options.js';
import type { StreamsRequest } from '../vitess/tablet/streams.js';
import type { EffectContext } from './context.js';
import type { Source } from './source/source.js';

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

  /** Starts a shard's streams for the first time. */
  async start(context: EffectContext, plan: Plan, tablet: TabletHandle): Promise<void> {
    // A start that failed half-way leaves a stream that says Running and does nothing.
    if (!(await tablet.streams(plan.target.workflow)).some((stream) => stream.position === '')) return;
    await context.beforeEffect();
    await tablet.setStreamState(plan.target.workflow, 'Running');
  },

  /** Deletes VDiff records and streams on every serving shard of the target. */
  async undo(context: EffectContext): Promise<void> {
    const { clients, ref } = context;
    const { keyspace, workflow } = ref.id;
    for (const { name } of await clients.target.servingShards(keyspace)) {
      const tablet = await clients.primary(clients.target, keyspace, name);
      await context.beforeEffect();
      await tablet.deleteVDiffs(workflow, keyspace);
      if ((await tablet.streams(workflow)).length > 0) await tablet.deleteStreams(workflow);
    }
  },
};

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
    options: '{}',
  };
}
