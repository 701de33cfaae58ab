import { planOf } from '../effects/journal.js';
import type { MigrationRef } from '../migration/lifecycle/reference.js';
import { Context } from '@temporalio/activity';
import { diagnose, throttledRemedy } from '../migration/watch/diagnosis.js';
import { MigrationError, type Problem } from '../migration/problem/errors.js';
import { transactionLag } from '../migration/watch/lag.js';
import {
  copiedFraction,
  fingerprint,
  isCopyFinished,
  remainingSeconds,
  withoutRows,
  type Observation,
  type StreamObservation,
  type TableObservation,
} from '../migration/watch/observation.js';
import { expectedStreams, type Plan } from '../migration/plan/plan.js';
import type { Clients } from '../vitess/clients.js';
import { readTableSizes, sumSizes, type TableSizes } from '../vitess/tablet/sql/sizes.js';
import type { StreamRow } from '../vitess/tablet/tablet.js';
import { withHeartbeat } from './step/heartbeat.js';

/** Milliseconds between two looks, and how long the source's estimates are kept. */
const pollInterval = 500;
const sourceSizesAge = 15_000;
/** Remaining time is told from the speed of the last samples: as many as these. */
const samplesKept = 60;

/** How long to watch; `copyingSince` (ISO 8601) is null once the copy has finished. */
export interface Wait {
  minSeconds: number;
  maxSeconds: number;
  copyingSince: string | null;
}

/** The step Monitor: watches the streams and says when something has changed. */
export function observeActivities(clients: Clients) {
  return {
    /**
     * Watches until the streams differ from `since` (a `fingerprint`) or `maxSeconds` have passed,
     * but at least for `minSeconds`, unless the copy has just finished. Every look is heartbeat, so
     * that what is pending shows the newest state while the history stays small. What cannot be
     * read is part of the observation, not an error.
     */
    async observe(ref: MigrationRef, since: string, wait: Wait): Promise<Observation> {
      const context = Context.current();
      const plan = await planOf(clients, ref);
      const watch = new Watch(clients, plan, wait.copyingSince);
      const startedAt = Date.now();
      return withHeartbeat(async (_, tell) => {
        for (;;) {
          const observation = await watch.look();
          tell(observation);
          const seconds = (Date.now() - startedAt) / 1000;
          if (wait.copyingSince !== null && observation.copyFinished) return observation;
          if (seconds >= wait.maxSeconds || (seconds >= wait.minSeconds && fingerprint(observation) !== since))
            return observation;
          await context.sleep(pollInterval);
        }
      });
    },
  };
}

/** Looks again and again, remembering what changes slowly. */
export class Watch {
  private readonly samples: { atMs: number; fraction: number }[] = [];
  /** A shard that cannot be read keeps the sizes it had: its rows have not gone. */
  private readonly targetSizes = new Map<string, TableSizes>();
  private sourceSizes: { atMs: number; sizes: TableSizes } | undefined;

  constructor(
    private readonly clients: Clients,
    private readonly plan: Plan,
    copyingSince: string | null = null,
  ) {
    if (copyingSince !== null) this.samples.push({ atMs: Date.parse(copyingSince), fraction: 0 });
  }

  async look(): Promise<Observation> {
    const problems: Problem[] = [];
    const shards = await Promise.all(this.plan.target.shards.map((shard) => this.lookAtShard(shard.name, problems)));
    const streams = shards.flatMap((shard) => shard.streams);
    const total = await this.totals(problems);
    const done = sumSizes(shards.map((shard) => shard.sizes));
    const complete = shards.every((shard) => shard.readable);
    const observation: Observation = {
      at: new Date().toISOString(),
      copyFinished: isCopyFinished(streams, expectedStreams(this.plan), this.plan.stream.stopAfterCopy),
      streams,
      tables: this.plan.tables.map(({ name }) => tableProgress(name, streams, complete, done, total)),
      remainingSeconds: null,
      problems: [...problems, ...streams.flatMap((stream) => this.streamProblem(stream))],
    };
    this.samples.push({ atMs: Date.now(), fraction: copiedFraction(observation) });
    if (this.samples.length > samplesKept) this.samples.shift();
    return { ...observation, remainingSeconds: remainingSeconds(this.samples) };
  }

  private async lookAtShard(shard: string, problems: Problem[]) {
    try {
      const tablet = await this.clients.primary(this.clients.target, this.plan.target.keyspace, shard);
      const rows = await tablet.streams(this.plan.target.workflow);
      const ids = rows.map((row) => row.id).join(', ');
      const copying =
        rows.length === 0
          ? []
          : await tablet.query(
              `select vrepl_id, table_name from _vt.copy_state where vrepl_id in (${ids}) group by vrepl_id, table_name`,
            );
      const sizes = await readTableSizes(
        tablet,
        this.plan.tables.map((table) => table.name),
      );
      this.targetSizes.set(shard, sizes);
      const expected = expectedStreams(this.plan, shard);
      if (rows.length !== expected) {
        problems.push({
          code: 'STREAMS_MISSING',
          message: `${rows.length} of ${expected} streams are there`,
          place: this.clients.target.place({ keyspace: this.plan.target.keyspace, shard, tablet: tablet.alias }),
          remedy: 'another program has deleted them: cancel the migration and create it again',
        });
      }
      const copyingTables = (id: number) =>
        copying.filter((row) => row['vrepl_id'] === String(id)).flatMap((row) => row['table_name'] ?? []);
      return {
        readable: true,
        sizes,
        streams: rows.map((row) => toStream(row, shard, tablet.alias, copyingTables(row.id))),
      };
    } catch (error) {
      problems.push(toProblem(error));
      return { readable: false, sizes: this.targetSizes.get(shard) ?? new Map(), streams: [] };
    }
  }

  /** Estimates of the source; the plan's own where the source cannot be read. */
  private async totals(problems: Problem[]): Promise<TableSizes> {
    if (this.sourceSizes !== undefined && Date.now() - this.sourceSizes.atMs < sourceSizesAge)
      return this.sourceSizes.sizes;
    const { mount, keyspace, shards } = this.plan.source;
    try {
      const topology = await this.clients.source(mount);
      const names = this.plan.tables.map((table) => table.name);
      const sizes = sumSizes(
        await Promise.all(
          shards.map(async (shard) =>
            readTableSizes(await this.clients.primary(topology, keyspace, shard.name), names),
          ),
        ),
      );
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

  private streamProblem(stream: StreamObservation): Problem[] {
    const place = this.clients.target.place({
      keyspace: this.plan.target.keyspace,
      shard: stream.shard,
      tablet: stream.tablet,
    });
    const diagnosis = diagnose(stream.state, stream.message);
    if (diagnosis !== undefined)
      return [
        {
          code: 'STREAM_IN_TROUBLE',
          message: `stream ${stream.id}: ${stream.message === '' ? stream.state : stream.message}`,
          place,
          ...diagnosis,
        },
      ];
    if (stream.throttledBy === '') return [];
    return [
      {
        code: 'STREAM_IN_TROUBLE',
        message: `stream ${stream.id} is throttled (${stream.throttledBy})`,
        place,
        kind: 'throttled',
        remedy: throttledRemedy(),
      },
    ];
  }
}

function toStream(row: StreamRow, shard: string, tablet: string, copying: string[]): StreamObservation {
  const isCopying = row.state === 'Copying' || copying.length > 0 || row.position === '';
  return {
    shard,
    tablet,
    id: row.id,
    sourceShard: row.sourceShard,
    state: row.state,
    message: withoutRows(row.message),
    position: row.position,
    copying,
    lagSeconds: isCopying ? null : transactionLag(row, Math.floor(Date.now() / 1000)),
    throttledBy: row.throttledBy,
  };
}

function tableProgress(
  name: string,
  streams: StreamObservation[],
  complete: boolean,
  done: TableSizes,
  total: TableSizes,
): TableObservation {
  const size = done.get(name) ?? { rows: 0n, bytes: 0n };
  const all = total.get(name) ?? { rows: 0n, bytes: 0n };
  const started =
    complete && streams.length > 0 && streams.every((stream) => stream.position !== '' || stream.copying.length > 0);
  const copied = started && streams.every((stream) => !stream.copying.includes(name));
  const phase = copied ? 'copied' : size.rows > 0n ? 'copying' : 'waiting';
  return {
    name,
    phase,
    rows: size.rows.toString(),
    rowsTotal: all.rows.toString(),
    bytes: size.bytes.toString(),
    bytesTotal: all.bytes.toString(),
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof MigrationError) return error.toProblem();
  throw error;
}
