import { readLoads } from '../effects/load.js';
import { sourceOf } from '../effects/source/open-source.js';
import { parseDuration } from '../migration/input/duration.js';
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
import { Pace } from './step/pace.js';
import { Step } from './step/step.js';

/** Milliseconds between two looks at the load. */
const lookEvery = 2_000;

/** Beside Monitor, while tables are copied. */
export function holdBackActivities(clients: Clients) {
  const pace = new Pace();
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
          while (await back.look()) {
            await pause(lookEvery);
            stopIfCancelled();
          }
        });
      return pace.keep(holding);
    },
  };
}

/** What a migration's input says of its copy. */
export function limitsOf(input: {
  maxReplicationLag?: string | undefined;
  maxThreadsRunning?: number | undefined;
  copyHours: string;
}): CopyLimits {
  const { maxReplicationLag, maxThreadsRunning, copyHours } = input;
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

  constructor(
    private readonly step: Step,
    private readonly plan: Plan,
    private readonly limits: CopyLimits,
  ) {}

  /** False when there is nothing to hold back any more. */
  async look(): Promise<boolean> {
    try {
      const { copying, heldBack, toStart, throttled } = await this.lanes();
      if (toStart.length > 0) await this.start(toStart);
      if (copying.length + heldBack.length === 0) return false;
      // Limits that have been lifted may have left some.
      if (heldBack.length === 0 && !canBeHeldBack(this.limits, workflowsOf(this.plan).length)) return false;
      const reason = reasonToHoldBack(this.limits, await this.loads(), throttled, new Date());
      if (reason !== null) this.calmSince = Date.now();
      const counts = { copying: copying.length, unfinished: copying.length + heldBack.length };
      const wanted = lanesToCopy(counts, reason, Date.now() - this.calmSince);
      if (wanted < copying.length) await this.stop(copying.slice(wanted), reason);
      if (wanted > copying.length) await this.start(heldBack.slice(0, wanted - copying.length));
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code === 'MIGRATION_EXISTS') throw error;
    }
    return true;
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
  private async stop(lanes: readonly string[], reason: Reason | null): Promise<void> {
    await this.change(
      lanes,
      ({ state }) => state !== 'Stopped',
      async (tablet, workflows) => {
        await tablet.setStreamState(workflows, 'Stopped', heldBackMessage(reason?.why ?? ''));
      },
    );
  }

  private async start(lanes: readonly string[]): Promise<void> {
    await this.change(lanes, isHeldBack, (tablet, workflows) => tablet.setStreamState(workflows, 'Running', ''));
  }

  private async change(
    lanes: readonly string[],
    concerns: (stream: Stream) => boolean,
    change: (tablet: TabletHandle, workflows: string[]) => Promise<void>,
  ): Promise<void> {
    const { clients, ref, journals } = this.step;
    const all = { ...ref.id, workflows: workflowsOf(this.plan) };
    await withWorkflowLock(clients.target, all, 'vtmigrate hold back', async (lock) => {
      await journals.require(ref.runId);
      for (const { tablet, streams } of await this.streams()) {
        const concerned = lanes.filter((lane) => {
          const own = streams.filter(({ workflow }) => workflow === lane);
          return own.length > 0 && own.every(concerns);
        });
        this.step.stopIfCancelled();
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
