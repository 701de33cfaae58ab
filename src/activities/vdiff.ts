import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { vdiffs, type ShardVDiff, type VDiffLane } from '../effects/vdiffs.js';
import { parseDuration } from '../migration/input/duration.js';
import type { MigrateInput } from '../migration/input/input.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import type { Plan } from '../migration/plan/plan.js';
import { MigrationError } from '../migration/problem/errors.js';
import {
  boundedReport,
  summarizeVDiff,
  vdiffPulse,
  vdiffTablesInHeartbeat,
  vdiffTablesInHistory,
  type VDiffPart,
  type VDiffReport,
  type VDiffRow,
} from '../migration/proof/vdiff.js';
import { problemToHeal } from '../migration/watch/diagnosis.js';
import { isHeldByVDiff } from '../migration/watch/stream.js';
import type { Clients } from '../vitess/clients.js';
import type { NamedRow } from '../vitess/tablet/rows.js';
import { withWorkflowLock, type VDiffLock } from '../vitess/topology/lock.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { withHeartbeat } from './step/heartbeat.js';
import { Watch } from './step/look.js';
import type { Pace } from './step/pace.js';
import { Step } from './step/step.js';

/** Milliseconds. */
const pollInterval = 250;
const restartTimeout = 120_000;
/** For what Vitess does before it compares, besides two times of waiting: the streams stand still meanwhile. */
const setUpTimeout = 120_000;
/** After which a VDiff that has not moved may be waiting for the lock of a tablet that has died. */
const lockPatience = 15_000;
/** A tablet needs longer to come back; the times that are compared have whole seconds. */
const restartTime = 2_000;
/** Between two looks at the streams: a VDiff waits without a word for one that has ended. */
const streamsEvery = 3_000;
/** Vitess starts the streams itself within a second or two. */
const looksBeforeStart = 20;

/** The step VDiff: compares source and target row by row, on the target's own tablets. */
export function vdiffActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Runs a VDiff to its end. An existing one with the same UUID is followed, so that a second attempt of
     * this activity continues the first one's. Servers that do not answer are waited for: Vitess itself resumes a
     * VDiff when its tablet is back, or another one has taken its place. When nothing moves for the input's
     * `vdiffStallTimeout`, when it ends in an error, when a stream has ended for which only a person can help, or when
     * the activity is cancelled, the VDiff is removed and the streams are made to run.
     * @param again an earlier one has ended without a verdict; an earlier version gives a number here
     */
    async vdiff(ref: MigrationRef, uuid: string, { again }: { again?: boolean }): Promise<VDiffReport> {
      const { cancellationSignal } = Context.current();
      return withHeartbeat(async (_, heartbeat) => {
        const step = new Step(clients, ref);
        const [input, plan] = [await step.input(), await step.plan()];
        const lanes = workflowsOf(plan).map((workflow) => ({ workflow, uuid: laneUuid(uuid, plan, workflow) }));
        const run = new VDiffRun(clients, plan, uuid, lanes);
        let comparing: (() => void) | undefined;
        try {
          comparing = await pace.vdiff(heartbeat);
          const why = await run.make(step, input, again ?? false);
          const told = (report: VDiffReport) => (why === null ? report : { ...report, readsPrimaries: why });
          const tell = (report: VDiffReport) => {
            if (report.rowsCompared !== '0') comparing?.();
            heartbeat(told(report));
          };
          return told(await pace.keep((pause) => run.follow(patienceOf(input), tell, pause)));
        } catch (error) {
          if (cancellationSignal.aborted && (await isOurs(step))) await run.abandon();
          throw error;
        } finally {
          comparing?.();
        }
      });
    },
  };
}

/** Milliseconds in which something has to move. */
interface Patience {
  /** While it compares. */
  stallMs: number;
  /** While it holds the streams. */
  setUpMs: number;
}

function patienceOf({ vdiffStallTimeout, vdiffWaitTime }: MigrateInput): Patience {
  const stallMs = parseDuration(vdiffStallTimeout);
  return { stallMs, setUpMs: Math.min(stallMs, setUpTimeout + 2 * parseDuration(vdiffWaitTime)) };
}

class VDiffRun {
  private readonly watch: Watch;
  /** By lane: a lock whose holder seemed to be gone at the last look. */
  private readonly deadLocks = new Map<string, VDiffLock>();
  /** Milliseconds since 1970, by lane and shard: when Vitess has begun, or last resumed, the VDiff. */
  private readonly began = new Map<string, number>();

  constructor(
    private readonly clients: Clients,
    private readonly plan: Plan,
    private readonly uuid: string,
    private readonly lanes: readonly VDiffLane[],
  ) {
    this.watch = new Watch(clients, plan);
  }

  /**
   * Starts the VDiffs that are not there. As every step that makes something it does so under locks, and only while the
   * migration is its run's: nobody would delete what comes after the run that has taken the migration over.
   * @returns why they read primaries first although nobody has asked for it; null when they do not
   * @throws MigrationError NO_VDIFF_TABLET, MIGRATION_EXISTS, LOCKED
   */
  async make(step: Step, input: MigrateInput, again: boolean): Promise<string | null> {
    const { clients, parts, plan, workflows } = this;
    const { keyspace } = plan.target;
    const lacking = await vdiffs.lacking(clients, keyspace, parts);
    if (lacking.length === 0) return null;
    // Those that are there may hold the locks.
    if (lacking.length < parts.length) await this.abandon();
    const { options, why } = await vdiffs.choose(clients, { input, plan }, again);
    await this.freeingDeadLocks(() =>
      withWorkflowLock(clients.target, { ...step.ref.id, workflows }, 'vtmigrate vdiff', async (lock) => {
        await step.journals.require(step.ref.runId);
        await vdiffs.make(clients, keyspace, parts, options, async () => {
          step.stopIfCancelled();
          await lock.check();
        });
      }),
    );
    return why;
  }

  async follow(
    { stallMs, setUpMs }: Patience,
    heartbeat: (report: VDiffReport) => void,
    pause: (ms: number) => Promise<void>,
  ): Promise<VDiffReport> {
    let last = summarizeVDiff(this.uuid, [], this.parts, '');
    let movedAt = Date.now();
    let streamsAt = Date.now();
    let settingUp = true;
    for (;;) {
      const report = await this.reportIfReadable();
      if (report !== undefined) {
        heartbeat(boundedReport(report, vdiffTablesInHeartbeat));
        if (vdiffPulse(report) !== vdiffPulse(last)) movedAt = Date.now();
        last = report;
      }
      if (last.state !== 'running') {
        // Vitess starts the streams again when it has its snapshots; where that fails, it does not try again.
        await (last.state === 'completed' || last.state === 'differs' ? this.ensureStreamsRun() : this.abandon());
        return boundedReport(last, vdiffTablesInHistory);
      }
      if (Date.now() - movedAt > (settingUp ? setUpMs : stallMs)) {
        await this.abandon();
        return { ...boundedReport(last, vdiffTablesInHistory), state: 'stalled' };
      }
      if (Date.now() - streamsAt > streamsEvery) {
        const { problems, streams } = await this.watch.look();
        settingUp = streams.some(({ message }) => /(^| )for vdiff$/.test(message));
        const trouble = problemToHeal(problems);
        if (trouble !== undefined) {
          await this.abandon();
          return { ...boundedReport(last, vdiffTablesInHistory), state: 'stopped', trouble };
        }
        if (Date.now() - movedAt > lockPatience) await this.lookForDeadLocks();
        streamsAt = Date.now();
      }
      await pause(pollInterval);
    }
  }

  /** Work that waits for the locks. */
  private async freeingDeadLocks(work: () => Promise<void>): Promise<void> {
    const began = Date.now();
    const timer = setInterval(() => {
      // What cannot be read now is looked at again.
      if (Date.now() - began > lockPatience) this.lookForDeadLocks().catch(() => undefined);
    }, streamsEvery);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  private async lookForDeadLocks(): Promise<void> {
    await Promise.all(this.workflows.map((lane) => this.freeDeadLock(lane)));
  }

  /**
   * A tablet that dies while it holds the lock on the workflow's name leaves it behind for 24 hours, and the VDiffs of
   * all shards wait for it, also the one that Vitess resumes on its successor. It is removed at the second look.
   */
  private async freeDeadLock(workflow: string): Promise<void> {
    const before = this.deadLocks.get(workflow);
    const dead = await unlessAway(undefined, async () => {
      const lock = await vdiffs.lock(this.clients, { keyspace: this.plan.target.keyspace, workflow });
      if (lock === undefined || !(await this.isDead(workflow, lock))) return undefined;
      if (lock.entry.key === before?.entry.key) await vdiffs.removeLock(this.clients, lock);
      return lock;
    });
    if (dead === undefined) this.deadLocks.delete(workflow);
    else this.deadLocks.set(workflow, dead);
  }

  /** A live holder keeps the streams of its own shard, and has begun before it took the lock. */
  private async isDead(workflow: string, { since }: VDiffLock): Promise<boolean> {
    const held = await Promise.all(this.shards.map((shard) => this.isHeld(shard, [workflow])));
    const began = (shard: string) => this.began.get(keyOfPart({ shard, workflow })) ?? 0;
    return this.shards.every((shard, n) => held[n] === false || began(shard) - since >= restartTime);
  }

  /** Removes the VDiff, which also releases the named lock it may hold, and waits for the streams. */
  async abandon(): Promise<void> {
    await vdiffs.undo(this.clients, this.plan.target.keyspace, this.workflows);
    await this.ensureStreamsRun();
  }

  /** Undefined while a server does not answer. */
  private reportIfReadable(): Promise<VDiffReport | undefined> {
    return unlessAway(undefined, async () => {
      const { keyspace } = this.plan.target;
      const perPart = await Promise.all(
        this.parts.map(async ({ uuid, ...part }) => {
          const tablet = await this.primary(part.shard);
          const rows = await tablet.showVDiff(part.workflow, keyspace, uuid);
          this.began.set(keyOfPart(part), Date.parse(`${rows[0]?.['started_at'] ?? ''}Z`));
          return rows.map((row) => toVDiffRow(part, row));
        }),
      );
      return summarizeVDiff(this.uuid, perPart.flat(), this.parts, new Date().toISOString());
    });
  }

  /** Waits until no stream is held by a VDiff, and starts those that Vitess has left stopped. */
  private async ensureStreamsRun(): Promise<void> {
    const deadline = Date.now() + restartTimeout;
    await Promise.all(
      this.shards.map(async (shard) => {
        for (let look = 1; Date.now() < deadline && (await this.isHeld(shard)); look++) {
          if (look % looksBeforeStart === 0) await this.startStreams(shard);
          await sleep(pollInterval);
        }
      }),
    );
  }

  /** Whether a VDiff has stopped a stream of the shard, or lets it run up to its snapshot only. */
  private isHeld(shard: string, workflows: readonly string[] = this.workflows): Promise<boolean> {
    return unlessAway(true, async () => {
      const streams = await (await this.primary(shard)).streams(workflows);
      return streams.some(isHeldByVDiff);
    });
  }

  /** What Vitess does after it has its snapshots (`restartTargetVReplicationStreams`). */
  private startStreams(shard: string): Promise<void> {
    return unlessAway(undefined, async () => {
      const tablet = await this.primary(shard);
      await tablet.clearStopPosition(this.workflows);
      await tablet.setStreamState(this.workflows, 'Running', '');
    });
  }

  private primary(shard: string): Promise<TabletHandle> {
    return this.clients.primary(this.clients.target, this.plan.target.keyspace, shard);
  }

  private get shards(): string[] {
    return this.plan.target.shards.map(({ name }) => name);
  }

  private get workflows(): string[] {
    return this.lanes.map(({ workflow }) => workflow);
  }

  private get parts(): ShardVDiff[] {
    return this.shards.flatMap((shard) => this.lanes.map((lane) => ({ shard, ...lane })));
  }
}

/** Whether the migration is still that of this run. */
async function isOurs({ journals, ref }: Step): Promise<boolean> {
  return (await journals.read())?.runId === ref.runId;
}

/** Vitess knows a VDiff of one workflow by its UUID: each other lane has one that follows from it. */
function laneUuid(uuid: string, { target }: Plan, workflow: string): string {
  if (workflow === target.workflow) return uuid;
  const hex = createHash('sha256').update(`${uuid}/${workflow}`).digest('hex');
  // Version 8 of RFC 9562: made by a rule of one's own.
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}

function keyOfPart({ shard, workflow }: VDiffPart): string {
  return `${shard}/${workflow}`;
}

function toVDiffRow({ shard, workflow }: VDiffPart, row: NamedRow): VDiffRow {
  return {
    ...{ shard, workflow },
    vdiffState: (row['vdiff_state'] ?? '').toLowerCase(),
    lastError: row['last_error'] ?? '',
    table: row['table_name'] ?? '',
    tableState: (row['table_state'] ?? '').toLowerCase(),
    rowsCompared: row['rows_compared'] ?? '0',
    hasMismatch: row['has_mismatch'] === '1',
    report: row['report'] ?? '',
  };
}

/** `otherwise` when a server does not answer at the moment. */
async function unlessAway<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MigrationError && error.retryable) return otherwise;
    throw error;
  }
}
