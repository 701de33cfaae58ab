import { diagnose, problemOf, takesTime, throttled, type StreamProblem } from '../../migration/watch/diagnosis.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { leftByVDiff, resharded } from '../../migration/watch/server-troubles.js';
import { transactionLag } from '../../migration/watch/lag.js';
import {
  copiedFraction,
  isCopyFinished,
  remainingSeconds,
  type Look,
  type StreamLook,
  type StreamsLook,
  type TableObservation,
  type WatchProblem,
} from '../../migration/watch/observation.js';
import { workflowsOf } from '../../migration/plan/lanes.js';
import { expectedStreams, tableNames, targetPlace, type Plan } from '../../migration/plan/plan.js';
import type { Stream } from '../../migration/watch/stream.js';
import { withoutSecrets } from '../../migration/watch/stream-message.js';
import { sideBySide } from '../../effects/side-by-side.js';
import { sourceOf } from '../../effects/source/open-source.js';
import { vdiffs } from '../../effects/vdiffs.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { sumSizes, type TableSizes } from '../../vitess/tablet/sql/sizes.js';

/** Milliseconds for which the estimates of the source are kept. */
const sourceSizesAge = 15_000;
/** The number of recent samples from which the speed of the copy is computed. */
const samplesKept = 120;

/** Reads the state of a migration again and again, and keeps what changes slowly. */
export class Watch {
  private readonly samples: { atMs: number; fraction: number }[] = [];
  /** A shard that cannot be read keeps its last sizes: its rows are still there. */
  private readonly targetSizes = new Map<string, TableSizes>();
  private sourceSizes: { atMs: number; sizes: TableSizes } | undefined;

  constructor(
    private readonly clients: Clients,
    private readonly plan: Plan,
    copyingSince: string | null = null,
  ) {
    if (copyingSince !== null) this.samples.push({ atMs: Date.parse(copyingSince), fraction: 0 });
  }

  /** What cannot be read is a problem of the look, not an error. */
  async look(): Promise<Look> {
    const problems: WatchProblem[] = [];
    const shards = await sideBySide(this.plan.target.shards, ({ name }) => this.lookAtShard(name, problems));
    const streams = shards.flatMap((shard) => shard.streams);
    const total = await this.totals(problems);
    const done = sumSizes(shards.map((shard) => shard.sizes));
    const complete = shards.every((shard) => shard.readable);
    const look: Look = {
      at: new Date().toISOString(),
      copyFinished: isCopyFinished(streams, expectedStreams(this.plan), this.plan.stream.stopAfterCopy),
      streams,
      tables: tablesProgress(this.plan, complete ? streams : [], done, total),
      remainingSeconds: null,
      problems,
    };
    this.samples.push({ atMs: Date.now(), fraction: copiedFraction(look.tables) });
    if (this.samples.length > samplesKept) this.samples.shift();
    return { ...look, remainingSeconds: remainingSeconds(this.samples) };
  }

  /** The streams alone, not how much they have copied: that takes longer the more tables there are. */
  async lookAtStreams(): Promise<StreamsLook> {
    const problems: WatchProblem[] = [];
    const shards = this.plan.target.shards.map(async ({ name }) => {
      try {
        return await this.streamsOf(await this.primary(name), name, problems);
      } catch (error) {
        problems.push(toProblem(error));
        return [];
      }
    });
    return { streams: (await Promise.all(shards)).flat(), problems };
  }

  private async lookAtShard(shard: string, problems: WatchProblem[]) {
    try {
      const tablet = await this.primary(shard);
      const streams = await this.streamsOf(tablet, shard, problems);
      const sizes = await tablet.sizes(tableNames(this.plan));
      this.targetSizes.set(shard, sizes);
      return { readable: true, sizes, streams };
    } catch (error) {
      problems.push(toProblem(error));
      return { readable: false, sizes: this.targetSizes.get(shard) ?? new Map(), streams: [] };
    }
  }

  private primary(shard: string): Promise<TabletHandle> {
    return this.clients.primary(this.clients.target, this.plan.target.keyspace, shard);
  }

  private async streamsOf(tablet: TabletHandle, shard: string, problems: WatchProblem[]): Promise<StreamLook[]> {
    const rows = await tablet.streams(workflowsOf(this.plan));
    const copying = await tablet.copyState(rows.map((row) => row.id));
    const expected = expectedStreams(this.plan, shard);
    const redirected = rows.filter((row) => !isOfPlan(this.plan, row));
    for (const { id, sourceKeyspace, sourceShard } of redirected) {
      const message = `stream ${id} reads ${sourceKeyspace}/${sourceShard} now`;
      const place = targetPlace(this.plan, { shard, tablet: tablet.alias });
      problems.push(problemOf({ code: 'STREAM_IN_TROUBLE', message, place }, resharded, '', 0));
    }
    if (redirected.length === 0 && rows.length !== expected) {
      problems.push({
        code: 'STREAMS_MISSING',
        message: `${rows.length} of ${expected} streams are there`,
        place: targetPlace(this.plan, { shard, tablet: tablet.alias }),
        remedy: 'another program has deleted them: cancel the migration and create it again',
      });
    }
    const streams = rows.map((row) => ({
      ...toStream(row, shard, tablet.alias, copying.get(row.id) ?? []),
      ...(row.workflow === this.plan.target.workflow ? {} : { lane: row.workflow }),
    }));
    const left = new Set((await vdiffs.left(tablet, this.plan.target.keyspace, rows)).map(({ id }) => id));
    for (const stream of streams) problems.push(...(await this.streamProblem(tablet, stream, left.has(stream.id))));
    return streams;
  }

  /** The source's estimates, or the plan's while the source cannot be read. */
  private async totals(problems: WatchProblem[]): Promise<TableSizes> {
    if (this.sourceSizes !== undefined && Date.now() - this.sourceSizes.atMs < sourceSizesAge)
      return this.sourceSizes.sizes;
    try {
      const source = await sourceOf(this.clients, this.plan);
      const sizes = await source.sizes(tableNames(this.plan));
      this.sourceSizes = { atMs: Date.now(), sizes };
      return sizes;
    } catch (error) {
      problems.push(toProblem(error));
      return (
        this.sourceSizes?.sizes ??
        new Map(this.plan.tables.map((table) => [table.name, { rows: BigInt(table.rows), bytes: BigInt(table.bytes) }]))
      );
    }
  }

  private async streamProblem(tablet: TabletHandle, stream: StreamLook, left: boolean): Promise<StreamProblem[]> {
    const { id, shard, state, message, throttledBy } = stream;
    const place = targetPlace(this.plan, { shard, tablet: tablet.alias });
    const problem = (what: string) => ({ code: 'STREAM_IN_TROUBLE' as const, message: `stream ${id}${what}`, place });
    const diagnosis = diagnose(state, message) ?? (left ? leftByVDiff : undefined);
    if (diagnosis !== undefined) {
      const seconds = takesTime(diagnosis.kind) ? await tablet.messageAge(id) : 0;
      return [problemOf(problem(`: ${message === '' ? state : message}`), diagnosis, state, seconds)];
    }
    return throttledBy === '' ? [] : [problemOf(problem(` is throttled (${throttledBy})`), throttled(), state, 0)];
  }
}

/** Vitess gives a stream other sources when these have been resharded, or their tables moved, in their own cluster. */
function isOfPlan({ source }: Plan, { sourceKeyspace, sourceShard }: Stream): boolean {
  return sourceKeyspace === source.keyspace && source.shards.some(({ name }) => name === sourceShard);
}

function toStream(row: Stream, shard: string, tablet: string, copying: string[]): StreamLook {
  const isCopying = row.state === 'Copying' || copying.length > 0 || row.position === '';
  return {
    shard,
    tablet,
    id: row.id,
    sourceShard: row.sourceShard,
    state: row.state,
    message: withoutSecrets(row.message),
    position: row.position,
    copying,
    lagSeconds: isCopying ? null : transactionLag(row, Math.floor(Date.now() / 1000)),
    throttledBy: row.throttledBy,
  };
}

/** @param streams none while a shard cannot be read: then no table is known to be copied */
function tablesProgress(plan: Plan, streams: StreamLook[], done: TableSizes, total: TableSizes): TableObservation[] {
  const started = streams.length > 0 && streams.every((stream) => stream.position !== '' || stream.copying.length > 0);
  const unfinished = new Set(streams.flatMap((stream) => stream.copying));
  return tableNames(plan).map((name) => {
    const size = done.get(name) ?? { rows: 0n, bytes: 0n };
    const all = total.get(name) ?? { rows: 0n, bytes: 0n };
    return {
      name,
      phase: started && !unfinished.has(name) ? 'copied' : size.rows > 0n ? 'copying' : 'waiting',
      rows: size.rows.toString(),
      rowsTotal: all.rows.toString(),
      bytes: size.bytes.toString(),
      bytesTotal: all.bytes.toString(),
    };
  });
}

function toProblem(error: unknown): WatchProblem {
  if (error instanceof MigrationError) return error.toProblem();
  throw error;
}
