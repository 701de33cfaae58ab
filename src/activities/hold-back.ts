import { readLoads } from '../effects/load.js';
import { sourceOf } from '../effects/source/open-source.js';
import { parseDuration } from '../migration/input/duration.js';
import type { MigrateInput } from '../migration/input/input.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import type { Plan } from '../migration/plan/plan.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { MigrationError } from '../migration/problem/errors.js';
import {
  canBeHeldBack,
  heldBackMessage,
  isHeldBack,
  lanesToCopy,
  reasonToHoldBack,
  type CopyLimits,
  type Load,
  type Reason,
} from '../migration/watch/holding-back.js';
import type { Stream } from '../migration/watch/stream.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { withWorkflowLock } from '../vitess/topology/lock.js';
import { withHeartbeat } from './step/heartbeat.js';
import type { Pace } from './step/pace.js';
import { Step } from './step/step.js';

/** Milliseconds between two looks at the load. */
const lookEvery = 2_000;

/** Beside Monitor, while tables are copied. */
export function holdBackActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Lets as many lanes copy as the load of both clusters, the limits and the hours allow: stops streams, and starts
     * them again. Ends when all lanes have copied, or when nothing could hold them back. What cannot be read is looked
     * at the next time.
     */
    async holdBack(ref: MigrationRef): Promise<void> {
      const holding = (pause: (ms: number) => Promise<void>) =>
        withHeartbeat(async (stopIfCancelled) => {
          const step = new Step(clients, ref);
          const back = new HoldingBack(step, await step.plan(), limitsOf(await step.input()));
          try {
            while (await back.look()) {
              await pause(lookEvery);
              stopIfCancelled();
            }
          } finally {
            await back.leave();
          }
        });
      return pace.keep(holding);
    },
  };
}

/** What a migration's input says of its copy. */
function limitsOf({ maxReplicationLag, maxThreadsRunning, copyHours }: MigrateInput): CopyLimits {
  return {
    lagSeconds: maxReplicationLag === undefined ? null : parseDuration(maxReplicationLag) / 1_000,
    threads: maxThreadsRunning ?? null,
    hours: copyHours,
  };
}

/** The lanes of a migration as they are now, over all target shards. */
interface Lanes {
  /** Of the lanes that have something to copy: those that copy, and those that are held back. */
  copying: string[];
  heldBack: string[];
  /** Lanes to start in any case: stopped when they had just copied everything, or on some shards only. */
  toStart: string[];
  /** A stream that the tablet throttler holds back, in words. */
  throttled: string | null;
}

class HoldingBack {
  /** Since when there has been no reason to hold lanes back, and nothing has changed. */
  private calmSince = Date.now();
  private hasStopped = false;

  constructor(
    private readonly step: Step,
    private readonly plan: Plan,
    private readonly limits: CopyLimits,
  ) {}

  /** False when there is nothing to hold back any more. */
  async look(): Promise<boolean> {
    try {
      const { copying, heldBack, toStart, throttled } = await this.step.unlessCancelled(this.lanes());
      if (toStart.length > 0) await this.start(toStart);
      if (copying.length + heldBack.length === 0) return false;
      // Limits that have been lifted may have left some.
      if (heldBack.length === 0 && !canBeHeldBack(this.limits, workflowsOf(this.plan).length)) return false;
      const loads = await this.step.unlessCancelled(this.loads());
      const reason = reasonToHoldBack(this.limits, loads, throttled, new Date());
      if (reason !== null) this.calmSince = Date.now();
      const counts = { copying: copying.length, unfinished: copying.length + heldBack.length };
      const wanted = lanesToCopy(counts, reason, Date.now() - this.calmSince);
      if (reason !== null && wanted < copying.length) await this.stop(copying.slice(wanted), reason);
      if (wanted > copying.length) await this.start(heldBack.slice(0, wanted - copying.length));
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code === 'MIGRATION_EXISTS') throw error;
    }
    return true;
  }

  /** The steps that come next need the lanes that have copied everything: one may have done so when it was stopped. */
  async leave(): Promise<void> {
    if (!this.hasStopped) return;
    try {
      const { toStart } = await this.lanes();
      if (toStart.length > 0) await this.start(toStart);
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
    }
  }

  private async lanes(): Promise<Lanes> {
    const found: Stream[] = [];
    const unfinished = new Set<string>();
    for (const { tablet, streams } of await this.streams()) {
      const copyState = await tablet.copyState(streams.map(({ id }) => id));
      for (const stream of streams)
        if (stream.position === '' || (copyState.get(stream.id) ?? []).length > 0) unfinished.add(stream.workflow);
      found.push(...streams);
    }
    const streamsOf = (lane: string) => found.filter(({ workflow }) => workflow === lane);
    const isHeld = (lane: string) => streamsOf(lane).length > 0 && streamsOf(lane).every(isHeldBack);
    const all = workflowsOf(this.plan);
    const slowed = found.find(({ throttledBy }) => throttledBy !== '');
    return {
      copying: all.filter((lane) => unfinished.has(lane) && !isHeld(lane)),
      heldBack: all.filter((lane) => unfinished.has(lane) && isHeld(lane)),
      toStart: all.filter((lane) => streamsOf(lane).some(isHeldBack) && !(unfinished.has(lane) && isHeld(lane))),
      throttled: slowed === undefined ? null : `stream ${slowed.id} is throttled (${slowed.throttledBy})`,
    };
  }

  /** Of both sides. */
  private async loads(): Promise<Load[]> {
    const { clients } = this.step;
    const { keyspace, shards } = this.plan.target;
    const source = await sourceOf(clients, this.plan);
    const targets = shards.map(async ({ name }) => readLoads(await clients.tablets(clients.target, keyspace, name)));
    return (await Promise.all([source.loads(), ...targets])).flat();
  }

  /** Streams that somebody else has stopped are left as they are. */
  private async stop(lanes: readonly string[], { why }: Reason): Promise<void> {
    this.hasStopped = true;
    const stillCopying = async () => {
      // Some may have copied everything while the load was read.
      const { copying } = await this.lanes();
      this.step.stopIfCancelled();
      return lanes.filter((lane) => copying.includes(lane));
    };
    const isRunning = ({ state }: Stream) => state !== 'Stopped';
    await this.change(stillCopying, isRunning, (tablet, workflows) =>
      tablet.setStreamState(workflows, 'Stopped', heldBackMessage(why)),
    );
  }

  private async start(lanes: readonly string[]): Promise<void> {
    await this.change(
      () => Promise.resolve(lanes),
      isHeldBack,
      (tablet, workflows) => tablet.setStreamState(workflows, 'Running', ''),
    );
  }

  /** Changes lanes on the shards where all of their streams are of concern. */
  private async change(
    lanes: () => Promise<readonly string[]>,
    concerns: (stream: Stream) => boolean,
    change: (tablet: TabletHandle, workflows: string[]) => Promise<void>,
  ): Promise<void> {
    const { clients, ref, journals } = this.step;
    const all = { ...ref.id, workflows: workflowsOf(this.plan) };
    await withWorkflowLock(clients.target, all, 'vtmigrate hold back', async (lock) => {
      await journals.require(ref.runId);
      const wanted = await lanes();
      for (const { tablet, streams } of await this.streams()) {
        const concerned = wanted.filter((lane) => {
          const own = streams.filter(({ workflow }) => workflow === lane);
          return own.length > 0 && own.every(concerns);
        });
        await lock.check();
        if (concerned.length > 0) await change(tablet, concerned);
      }
    });
    this.calmSince = Date.now();
  }

  private async streams(): Promise<{ tablet: TabletHandle; streams: Stream[] }[]> {
    const { clients } = this.step;
    const { keyspace, shards } = this.plan.target;
    return Promise.all(
      shards.map(async ({ name }) => {
        const tablet = await clients.primary(clients.target, keyspace, name);
        return { tablet, streams: await tablet.streams(workflowsOf(this.plan)) };
      }),
    );
  }
}
