import { setTimeout as sleep } from 'node:timers/promises';
import { sourceOf } from '../../effects/source/open-source.js';
import type { Source } from '../../effects/source/source.js';
import { unlessAway } from '../../effects/unless-away.js';
import { parseDuration } from '../../migration/input/duration.js';
import { formatIdentifier } from '../../migration/input/identifier.js';
import { workflowsOf } from '../../migration/plan/lanes.js';
import { tableNames, targetPlace, type Plan } from '../../migration/plan/plan.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { driftGaps, type Definitions } from '../../migration/proof/drift.js';
import type { Gap } from '../../migration/proof/gaps.js';
import { containsPosition } from '../../migration/proof/position.js';
import { matchesOf } from '../../migration/watch/stream.js';
import { writing } from '../../migration/watch/writes-to.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import type { Step } from './step.js';

/** Milliseconds for which a stream's position is looked at closely, and between two looks. */
const lookClosely = 1_000;
const lookAgain = 25;

/** Other workflows that write to the plan's tables. */
export async function conflictGaps(step: Step, plan: Plan): Promise<Gap[]> {
  const { keyspace } = plan.target;
  const own = workflowsOf(plan);
  return onTargetShards(step, plan, async (shard, tablet) => {
    const others = (await tablet.workflows())
      .filter((other) => !own.includes(other.workflow))
      .map((other) => ({ workflow: other.workflow, writes: writing(matchesOf(other)) }));
    return tableNames(plan).flatMap((table): Gap[] => {
      const other = others.find(({ writes }) => writes(table));
      if (other === undefined) return [];
      return [
        {
          code: 'OTHER_WORKFLOW',
          message: `workflow ${keyspace}.${other.workflow} writes to the table as well`,
          place: targetPlace(plan, { shard, tablet: tablet.alias, table }),
          remedy: 'complete or cancel that workflow first',
        },
      ];
    });
  });
}

/** Changes of the source's definitions since Create, on any of its shards. */
export async function schemaDriftGaps(step: Step, plan: Plan, source: Source): Promise<Gap[]> {
  const before = await step.journals.readDefinitions();
  if (before === undefined) return [];
  const [sources, targets] = await Promise.all([
    source.definitions(tableNames(plan)),
    readTargetDefinitions(step, plan),
  ]);
  return Object.entries(sources).flatMap(([shard, now]) => driftGaps(before, now, targets, source.place({ shard })));
}

/** Streams that do not reach these positions, given by source shard, in time. */
export async function positionGaps(step: Step, plan: Plan, positions: Record<string, string>): Promise<Gap[]> {
  const { catchUpTimeout } = await step.input();
  const gaps = await onTargetShards(step, plan, async (shard, tablet) => {
    const gaps: Gap[] = [];
    for (const { id, sourceShard } of await behindSoon(step, plan, tablet, positions)) {
      const position = positions[sourceShard] ?? '';
      try {
        await step.unlessCancelled(tablet.waitForPosition(id, position, parseDuration(catchUpTimeout)));
      } catch (error) {
        if (!(error instanceof MigrationError) || error.code !== 'TABLET_UNREACHABLE') throw error;
        gaps.push({
          code: 'NOT_CAUGHT_UP',
          message: `stream ${id} has not reached the source's position ${position} in ${catchUpTimeout}`,
          place: targetPlace(plan, { shard, tablet: tablet.alias }),
          remedy: 'see the lag and the messages of the stream; Complete is tried again',
        });
      }
    }
    return gaps;
  });
  return gaps.length === 0 ? gaps : withTabletBehind(step, plan, gaps);
}

/**
 * The streams of a shard that have not reached these positions within a moment. Vitess's own wait looks once a second,
 * which is long while the source refuses writes.
 */
async function behindSoon(step: Step, plan: Plan, tablet: TabletHandle, positions: Record<string, string>) {
  const deadline = Date.now() + lookClosely;
  for (;;) {
    const streams = await tablet.streams(workflowsOf(plan));
    const behind = streams.filter((stream) => !hasReached(stream, positions));
    if (behind.length === 0 || Date.now() >= deadline) return behind;
    step.stopIfCancelled();
    await sleep(lookAgain);
  }
}

/** True when a stream's position contains everything up to its source shard's position. */
export function hasReached(
  stream: { sourceShard: string; position: string },
  positions: Record<string, string>,
): boolean {
  return containsPosition(stream.position, positions[stream.sourceShard] ?? '');
}

/** What is late because of a replica says so: waiting does not help then. */
async function withTabletBehind(step: Step, plan: Plan, gaps: readonly Gap[]): Promise<Gap[]> {
  const source = await sourceOf(step.clients, plan);
  const behind = await unlessAway(() => source.behind({ ...plan.stream, cells: plan.source.cells }));
  if (behind === undefined || behind === null) return [...gaps];
  const remedy =
    'let the streams read other tablets: vtmigrate Workflow Update -tablet_types PRIMARY ' +
    `${formatIdentifier(step.ref.id)}; Complete is tried again`;
  return gaps.map((gap) => ({ ...gap, message: `${gap.message}: ${behind}`, remedy }));
}

/** The current positions of the source's primaries, by shard. */
export async function sourcePositions(source: Source): Promise<Record<string, string>> {
  const entries = source.shards.map(async (shard) => [shard, await source.position(shard)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function readTargetDefinitions(step: Step, plan: Plan): Promise<Definitions[]> {
  return Promise.all(
    plan.target.shards.map(async ({ name }) => {
      const tablet = await step.clients.primary(step.clients.target, plan.target.keyspace, name);
      const tables = await tablet.tables(tableNames(plan));
      return Object.fromEntries(tables.map((table) => [table.name, table.ddl]));
    }),
  );
}

/** Asks the primaries of all target shards side by side. */
async function onTargetShards<T>(
  { clients }: Step,
  plan: Plan,
  ask: (shard: string, tablet: TabletHandle) => Promise<T[]>,
): Promise<T[]> {
  const perShard = plan.target.shards.map(async ({ name }) =>
    ask(name, await clients.primary(clients.target, plan.target.keyspace, name)),
  );
  return (await Promise.all(perShard)).flat();
}
