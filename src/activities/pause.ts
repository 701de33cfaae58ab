import { workflowsOf } from '../migration/plan/lanes.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { diagnose } from '../migration/watch/diagnosis.js';
import { isHeldBack } from '../migration/watch/holding-back.js';
import { pausedMessage } from '../migration/watch/observation.js';
import { isHeldByVDiff, type Stream } from '../migration/watch/stream.js';
import { sideBySide } from '../effects/side-by-side.js';
import { workflowNames } from '../effects/streams.js';
import { vdiffs } from '../effects/vdiffs.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { followTablets } from './step/reading.js';
import { lockedStep, type LockedStep } from './step/step.js';

/** Pause and resume: the streams stopped and started, as `vtctldclient Workflow stop` and `start` do it. */
export function pauseActivities(clients: Clients) {
  const onEachShard = (
    ref: MigrationRef,
    action: string,
    work: (tablet: TabletHandle, workflows: string[], keyspace: string) => Promise<void>,
    first: (step: LockedStep) => Promise<void> = () => Promise.resolve(),
  ) =>
    lockedStep(clients, ref, action, async (step) => {
      await first(step);
      const plan = await step.plan();
      const { keyspace, shards } = plan.target;
      await sideBySide(shards, async ({ name }) => {
        await step.beforeEffect();
        await work(await clients.primary(clients.target, keyspace, name), workflowsOf(plan), keyspace);
      });
    });
  return {
    /** Stops every stream that is not stopped. One in trouble keeps its message, which says why. */
    async pause(ref: MigrationRef): Promise<void> {
      await onEachShard(ref, 'vtmigrate pause', async (tablet, workflows) => {
        const streams = await tablet.streams(workflows);
        if (streams.every((stream) => stream.state === 'Stopped' && !isHeldByVDiff(stream))) return;
        const inTrouble = streams.some((stream) => diagnose(stream.state, stream.message) !== undefined);
        await tablet.setStreamState(workflows, 'Stopped', inTrouble ? undefined : pausedMessage);
      });
    },

    /**
     * Starts the streams again that Vitess has ended, or has left as a VDiff needed them; where another program has
     * stopped one, all stay as they are. Before, they are made to look for tablets where there are some now.
     */
    async restart(ref: MigrationRef): Promise<void> {
      const start = async (tablet: TabletHandle, workflows: string[], keyspace: string) => {
        const streams = await tablet.streams(workflows);
        const left = await vdiffs.left(tablet, keyspace, streams);
        const isLeft = ({ id }: Stream) => left.some((each) => each.id === id);
        if (streams.some((stream) => stream.state === 'Stopped' && !isLeft(stream) && !isHeldBack(stream))) return;
        if (left.length > 0) await tablet.clearStopPosition(workflowNames(left));
        const ended = streams.filter((stream) => stream.state === 'Error' || isLeft(stream));
        if (ended.length > 0) await tablet.setStreamState(workflowNames(ended), 'Running', '');
      };
      await onEachShard(ref, 'vtmigrate restart', start, followTablets);
    },

    /** Starts every stream again, also one that Vitess has ended; one with tables to copy resumes copying. */
    async resume(ref: MigrationRef): Promise<void> {
      await onEachShard(ref, 'vtmigrate resume', (tablet, workflows) =>
        tablet.setStreamState(workflows, 'Running', ''),
      );
    },
  };
}
