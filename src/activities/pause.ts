import { planOf } from '../effects/journal.js';
import type { MigrationRef } from '../migration/lifecycle/reference.js';
import type { Plan } from '../migration/plan/plan.js';
import { pausedMessage } from '../migration/watch/observation.js';
import type { Clients } from '../vitess/clients.js';
import { withHeartbeat } from './step/heartbeat.js';
import { withMigrationLocks } from '../vitess/topology/lock.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';

/** Pause and resume: the streams stopped and started, as `vtctldclient Workflow stop` and `start` do it. */
export function pauseActivities(clients: Clients) {
  const forEachShard = async (plan: Plan, action: string, work: (tablet: TabletHandle) => Promise<void>) =>
    withHeartbeat((stopIfCancelled) =>
      withMigrationLocks(clients.target, plan.target, action, async (locks) => {
        for (const { name } of plan.target.shards) {
          stopIfCancelled();
          await locks.check();
          await work(await clients.primary(clients.target, plan.target.keyspace, name));
        }
      }),
    );
  return {
    /**
     * Stops every stream that is not stopped. One in trouble keeps its message, which says why; the
     * others are marked.
     */
    async pause(ref: MigrationRef): Promise<void> {
      const plan = await planOf(clients, ref);
      await forEachShard(plan, 'vtmigrate pause', async (tablet) => {
        const streams = await tablet.streams(plan.target.workflow);
        if (streams.every((stream) => stream.state === 'Stopped')) return;
        const inTrouble = streams.some((stream) => stream.message !== '');
        await tablet.setStreamState(plan.target.workflow, 'Stopped', inTrouble ? undefined : pausedMessage);
      });
    },

    /** Starts every stream again, also one that Vitess has ended; one that has tables to copy goes on copying. */
    async resume(ref: MigrationRef): Promise<void> {
      const plan = await planOf(clients, ref);
      await forEachShard(plan, 'vtmigrate resume', async (tablet) => {
        await tablet.setStreamState(plan.target.workflow, 'Running', '');
      });
    },
  };
}
