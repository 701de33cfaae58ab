import { planOf } from '../effects/journal.js';
import type { MigrationRef } from '../migration/lifecycle/reference.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationError } from '../migration/problem/errors.js';
import type { Plan } from '../migration/plan/plan.js';
import { quoteString } from '../migration/sql/quote.js';
import {
  boundedReport,
  summarizeVDiff,
  vdiffPulse,
  vdiffTablesInHeartbeat,
  vdiffTablesInHistory,
  type VDiffReport,
  type VDiffRow,
} from '../migration/proof/vdiff.js';
import type { Clients } from '../vitess/clients.js';
import type { Tablet } from '../vitess/tablet/tablet.js';
import { removeDeadVDiffLocks } from '../vitess/topology/lock.js';
import type { VDiffOptionsSchema } from '../vitess/wire/tabletmanagerdata_pb.js';
import { withHeartbeat } from './step/heartbeat.js';

/** Milliseconds. */
const pollInterval = 500;
const restartTimeout = 120_000;
/** Vitess starts the streams itself within a second or two. */
const looksBeforeStart = 10;

/** The step VDiff: compares source and target row by row, on the target's own tablets. */
export function verifyActivities(clients: Clients) {
  return {
    /**
     * Runs a VDiff to its end. One of the same UUID that is already there is followed, so that a
     * second attempt of this activity goes on with the first one's. Servers that do not answer are
     * waited for: Vitess itself goes on with a VDiff when its tablet is back, or another one has taken
     * its place. When nothing moves for `stallSeconds`, when it ends in an error, or when the activity
     * is cancelled, the VDiff is removed and the streams are seen running again.
     */
    async vdiff(ref: MigrationRef, uuid: string, stallSeconds: number): Promise<VDiffReport> {
      const plan = await planOf(clients, ref);
      const { cancellationSignal } = Context.current();
      const run = new VDiffRun(clients, plan, uuid);
      return withHeartbeat(async (_, tell) => {
        try {
          await run.start();
          return await run.follow(stallSeconds * 1000, tell);
        } catch (error) {
          if (cancellationSignal.aborted) await run.abandon();
          throw error;
        }
      });
    },
  };
}

class VDiffRun {
  constructor(
    private readonly clients: Clients,
    private readonly plan: Plan,
    private readonly uuid: string,
  ) {}

  async start(): Promise<void> {
    const { keyspace, workflow } = this.plan.target;
    await this.forEachShard(async (tablet) => {
      if ((await tablet.vdiffs(workflow, keyspace)).includes(this.uuid)) return;
      await tablet.createVDiff(workflow, keyspace, this.uuid, vdiffOptions(this.plan));
    });
  }

  async follow(stallMs: number, tell: (report: VDiffReport) => void): Promise<VDiffReport> {
    let last = summarizeVDiff(
      this.uuid,
      [],
      this.plan.target.shards.map((shard) => shard.name),
      '',
    );
    let movedAt = Date.now();
    for (;;) {
      const report = await this.reportIfReadable();
      if (report !== undefined) {
        tell(boundedReport(report, vdiffTablesInHeartbeat));
        if (vdiffPulse(report) !== vdiffPulse(last)) movedAt = Date.now();
        last = report;
      }
      if (last.state !== 'running') {
        // Vitess starts the streams again when it has its snapshots; where that fails, it does not try again.
        await (last.state === 'completed' || last.state === 'differs' ? this.seeStreamsRun() : this.abandon());
        return boundedReport(last, vdiffTablesInHistory);
      }
      if (Date.now() - movedAt > stallMs) {
        await this.abandon();
        return { ...boundedReport(last, vdiffTablesInHistory), state: 'stalled' };
      }
      await Context.current().sleep(pollInterval);
    }
  }

  /** Removes the VDiff, which also gives back the named lock it may hold, and waits for the streams. */
  async abandon(): Promise<void> {
    const { keyspace, workflow } = this.plan.target;
    await this.forEachShard((tablet) => tablet.deleteVDiffs(workflow, keyspace));
    await removeDeadVDiffLocks(this.clients.target, { keyspace, workflow });
    await this.seeStreamsRun();
  }

  /** Undefined while a server does not answer. */
  private reportIfReadable(): Promise<VDiffReport | undefined> {
    return unlessAway(undefined, () => this.report());
  }

  private async report(): Promise<VDiffReport> {
    const { keyspace, workflow, shards } = this.plan.target;
    const rows: VDiffRow[] = [];
    await this.forEachShard(async (tablet, shard) => {
      for (const row of await tablet.showVDiff(workflow, keyspace, this.uuid)) {
        rows.push({
          shard,
          vdiffState: (row['vdiff_state'] ?? '').toLowerCase(),
          lastError: row['last_error'] ?? '',
          table: row['table_name'] ?? '',
          tableState: (row['table_state'] ?? '').toLowerCase(),
          rowsCompared: row['rows_compared'] ?? '0',
          hasMismatch: row['has_mismatch'] === '1',
          report: row['report'] ?? '',
        });
      }
    });
    return summarizeVDiff(
      this.uuid,
      rows,
      shards.map((shard) => shard.name),
      new Date().toISOString(),
    );
  }

  /** Sees every stream let go, and starts those that no VDiff lets go any more. */
  private async seeStreamsRun(): Promise<void> {
    const deadline = Date.now() + restartTimeout;
    await Promise.all(
      this.plan.target.shards.map(async ({ name: shard }) => {
        for (let look = 1; Date.now() < deadline && (await this.isHeld(shard)); look++) {
          if (look % looksBeforeStart === 0) await this.startStreams(shard);
          await sleep(pollInterval);
        }
      }),
    );
  }

  /** Whether a VDiff has stopped a stream of the shard, or has it run up to its snapshot only. */
  private isHeld(shard: string): Promise<boolean> {
    return this.onPrimary(shard, true, async (tablet) => {
      const streams = await tablet.streams(this.plan.target.workflow);
      return streams.some(
        (stream) => stream.stopPosition !== '' || (stream.state === 'Stopped' && stream.message === 'for vdiff'),
      );
    });
  }

  /** What Vitess does after it has its snapshots (`restartTargetVReplicationStreams`). */
  private startStreams(shard: string): Promise<void> {
    return this.onPrimary(shard, undefined, async (tablet) => {
      const { workflow } = this.plan.target;
      await tablet.query(
        `update _vt.vreplication set stop_pos = '' where workflow = ${quoteString(workflow)} and db_name = ${quoteString(tablet.dbName)}`,
      );
      await tablet.setStreamState(workflow, 'Running', '');
    });
  }

  /** Work on a shard's primary as it is now; `otherwise` while it does not answer. */
  private onPrimary<T>(shard: string, otherwise: T, work: (tablet: Tablet) => Promise<T>): Promise<T> {
    return unlessAway(otherwise, async () =>
      work(await this.clients.primary(this.clients.target, this.plan.target.keyspace, shard)),
    );
  }

  private async forEachShard(work: (tablet: Tablet, shard: string) => Promise<void>): Promise<void> {
    await Promise.all(
      this.plan.target.shards.map(async ({ name }) =>
        work(await this.clients.primary(this.clients.target, this.plan.target.keyspace, name), name),
      ),
    );
  }
}

/** `otherwise` when a server does not answer, or not now. */
async function unlessAway<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MigrationError && error.retryable) return otherwise;
    throw error;
  }
}

/** The defaults of `vtctldclient VDiff create`, with cells from both topologies and no retry of its own. */
function vdiffOptions(plan: Plan): MessageInitShape<typeof VDiffOptionsSchema> {
  return {
    pickerOptions: {
      tabletTypes: 'in_order:RDONLY,REPLICA,PRIMARY',
      sourceCell: plan.source.cells.join(','),
      targetCell: plan.target.cells.join(','),
    },
    coreOptions: {
      autoRetry: false,
      maxRows: 9_223_372_036_854_775_807n,
      samplePct: 100n,
      timeoutSeconds: 30n,
      maxExtraRowsToCompare: 1000n,
    },
    reportOptions: { format: 'json', maxSampleRows: 10n, rowDiffColumnTruncateAt: 128n },
  };
}
