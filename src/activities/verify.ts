import type { MessageInitShape } from '@bufbuild/protobuf';
import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCopied } from '../migration/observation.js';
import type { Plan } from '../migration/plan.js';
import { summarizeVDiff, vdiffPulse, type VDiffReport, type VDiffRow } from '../migration/vdiff.js';
import type { Clients } from '../vitess/clients.js';
import type { Tablet } from '../vitess/tablet/tablet.js';
import type { VDiffOptionsSchema } from '../vitess/wire/tabletmanagerdata_pb.js';
import { Watch } from './observe.js';

/** Milliseconds. */
const pollInterval = 500;
const restartTimeout = 120_000;

/** The step VDiff: compares source and target row by row, on the target's own tablets. */
export function verifyActivities(clients: Clients) {
  return {
    /**
     * Runs a VDiff to its end. One of the same UUID that is already there is followed, so that a
     * second attempt of this activity goes on with the first one's. When nothing moves for
     * `stallSeconds`, or the activity is cancelled, the VDiff is removed and the streams are seen running again.
     */
    async vdiff(plan: Plan, uuid: string, stallSeconds: number): Promise<VDiffReport> {
      const context = Context.current();
      const run = new VDiffRun(clients, plan, uuid);
      try {
        await run.start();
        let pulse = '';
        let movedAt = Date.now();
        for (;;) {
          const report = await run.report();
          context.heartbeat(report);
          if (report.state !== 'running') return report;
          if (vdiffPulse(report) !== pulse) [pulse, movedAt] = [vdiffPulse(report), Date.now()];
          if (Date.now() - movedAt > stallSeconds * 1000) {
            await run.abandon();
            return { ...report, state: 'stalled' };
          }
          await context.sleep(pollInterval);
        }
      } catch (error) {
        if (context.cancellationSignal.aborted) await run.abandon();
        throw error;
      }
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

  async report(): Promise<VDiffReport> {
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
    return summarizeVDiff(this.uuid, rows, shards.map((shard) => shard.name), new Date().toISOString());
  }

  /** Removes the VDiff, which also gives back the named lock it may hold, and waits for the streams. */
  async abandon(): Promise<void> {
    const { keyspace, workflow } = this.plan.target;
    const context = Context.current();
    await this.forEachShard((tablet) => tablet.deleteVDiffs(workflow, keyspace));
    const watch = new Watch(this.clients, this.plan);
    const deadline = Date.now() + restartTimeout;
    while (Date.now() < deadline) {
      const { streams } = await watch.look();
      context.heartbeat();
      if (streams.length > 0 && streams.every((stream) => stream.message !== 'for vdiff' && isCopied(stream, true))) return;
      await sleep(pollInterval);
    }
  }

  private async forEachShard(work: (tablet: Tablet, shard: string) => Promise<void>): Promise<void> {
    await Promise.all(
      this.plan.target.shards.map(async ({ name }) => work(await this.clients.primary(this.clients.target, this.plan.target.keyspace, name), name)),
    );
  }
}

/** The defaults of `vtctldclient VDiff create`, with cells from both topologies and no retry of its own. */
function vdiffOptions(plan: Plan): MessageInitShape<typeof VDiffOptionsSchema> {
  return {
    pickerOptions: { tabletTypes: 'in_order:RDONLY,REPLICA,PRIMARY', sourceCell: plan.source.cells.join(','), targetCell: plan.target.cells.join(',') },
    coreOptions: { autoRetry: false, maxRows: 9_223_372_036_854_775_807n, samplePct: 100n, timeoutSeconds: 30n, maxExtraRowsToCompare: 1000n },
    reportOptions: { format: 'json', maxSampleRows: 10n, rowDiffColumnTruncateAt: 128n },
  };
}
