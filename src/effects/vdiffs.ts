import type { WorkflowIdentifier } from '../migration/input/identifier.js';
import type { Plan } from '../migration/plan/plan.js';
import type { Clients } from '../vitess/clients.js';
import { removeDeadVDiffLocks } from '../vitess/topology/lock.js';
import type { VDiffOptions } from '../vitess/tablet/vdiffs.js';

/** VDiffs of a workflow. Vitess takes the workflow's named lock itself, so these run without our locks. */
export const vdiffs = {
  /** Starts a VDiff on every target shard; one of the same UUID that is there already goes on. */
  async make(clients: Clients, plan: Plan, uuid: string): Promise<void> {
    const { keyspace, workflow, shards } = plan.target;
    await Promise.all(
      shards.map(async ({ name }) => {
        const tablet = await clients.primary(clients.target, keyspace, name);
        if ((await tablet.vdiffs(workflow, keyspace)).includes(uuid)) return;
        await tablet.createVDiff(workflow, keyspace, uuid, vdiffOptions(plan));
      }),
    );
  },

  /**
   * Deletes every VDiff of a workflow on every serving shard, which also releases the named lock that a hanging
   * one holds, and removes the locks of VDiffs whose tablets have died.
   */
  async undo(clients: Clients, id: WorkflowIdentifier): Promise<void> {
    const shards = await clients.target.servingShards(id.keyspace);
    await Promise.all(
      shards.map(async ({ name }) => {
        const tablet = await clients.primary(clients.target, id.keyspace, name);
        await tablet.deleteVDiffs(id.workflow, id.keyspace);
      }),
    );
    await removeDeadVDiffLocks(clients.target, id);
  },
};

/** The defaults of `vtctldclient VDiff create`, with cells from both topologies and no retry of its own. */
function vdiffOptions(plan: Plan): VDiffOptions {
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
