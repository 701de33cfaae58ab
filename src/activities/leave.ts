import { deniedTables } from '../effects/denied-tables.js';
import { fence } from '../effects/fence.js';
import { refusePastNoReturn, type Leaving } from '../effects/journal.js';
import { streams } from '../effects/streams.js';
import { targetTables } from '../effects/target-tables.js';
import { vdiffs } from '../effects/vdiffs.js';
import { vschemaEntries } from '../effects/vschema-entries.js';
import {
  inputWithout,
  namesAmong,
  namesWithout,
  planWithout,
  refuseReferenced,
  refuseUnknown,
  type LeaveReport,
} from '../migration/plan/leaving.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import { tableNames, targetPlace, type Plan } from '../migration/plan/plan.js';
import { nameList, type MigrationRef } from '../migration/plan/reference.js';
import { repairMessage } from '../migration/watch/observation.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { lockedStep, readingStep, type LockedStep, type Step } from './step/step.js';

/** Tables leave a migration, and the others go on. */
export function leaveActivities(clients: Clients) {
  return {
    /**
     * Whether tables may leave. Changes nothing.
     * @throws TABLE_NOT_FOUND, CANNOT_LEAVE, PAST_NO_RETURN
     */
    async mayLeave(ref: MigrationRef, tables: string[]): Promise<void> {
      await readingStep(clients, ref, (step) => judge(step, tables));
    },

    /**
     * Makes tables leave: their rules go from the streams, their copies from the target, they themselves from the
     * record. An earlier attempt, also one of another run, is finished first. Tables that have left already are fine.
     * @param paused the migration is paused: the streams stay stopped
     * @throws TABLE_NOT_FOUND, CANNOT_LEAVE, PAST_NO_RETURN, LOCKED
     */
    async leave(ref: MigrationRef, tables: string[], paused: boolean): Promise<LeaveReport> {
      const { cutOff, wanted } = await readingStep(clients, ref, (step) => judge(step, tables));
      if (cutOff === null && wanted.length === 0) return readingStep(clients, ref, report);
      // A VDiff reads the tables that are to be dropped; one that hangs holds the workflow's lock.
      await readingStep(clients, ref, async (step) =>
        vdiffs.undo(clients, ref.id.keyspace, workflowsOf(await step.plan())),
      );
      return lockedStep(clients, ref, 'vtmigrate leave', async (step) => {
        const now = await judge(step, tables);
        if (now.cutOff !== null) await new LeavingStep(step, now.cutOff, paused).run();
        if (now.wanted.length > 0) await new LeavingStep(step, await begin(step, now.wanted), paused).run();
        return report(step);
      });
    },
  };
}

/** Tables that an earlier attempt has begun to make leave, and those of `tables` that are still to leave besides. */
async function judge(step: Step, tables: readonly string[]): Promise<{ cutOff: Leaving | null; wanted: string[] }> {
  const { left, leaving: cutOff, ...journal } = await step.journals.require(step.ref.runId);
  const gone = [...left, ...(cutOff?.tables ?? [])];
  const plan = planWithout(await readPlan(step), gone);
  const place = targetPlace(plan);
  refusePastNoReturn(journal, place);
  const wanted = [...new Set(tables)].filter((table) => !gone.includes(table));
  if (wanted.length === 0) return { cutOff, wanted };
  refuseUnknown(plan, wanted, place);
  const staying = tableNames(plan).filter((table) => !wanted.includes(table));
  await onEachShard(step, plan, async (tablet, shard) => {
    const keys = (await tablet.tableDetails(staying)).flatMap(({ name: child, foreignKeys }) =>
      foreignKeys.map(({ name, references: parent }) => ({ name, child, parent })),
    );
    refuseReferenced(keys, wanted, { ...place, shard });
  });
  return { cutOff, wanted };
}

/** Writes down what is about to leave, and whether the streams are to run again. */
async function begin(step: LockedStep, tables: string[]): Promise<Leaving> {
  let startStreams = false;
  const plan = await readPlan(step);
  await onEachShard(step, plan, async (tablet) => {
    const streams = await tablet.streams(workflowsOf(plan));
    startStreams ||= streams.some(
      ({ state, message }) => state !== 'Stopped' || message === 'for vdiff' || message === repairMessage,
    );
  });
  const leaving: Leaving = { tables, startStreams, takenBack: false };
  await step.beforeEffect();
  await step.journals.update(step.ref.runId, (journal) => {
    journal.leaving = leaving;
  });
  return leaving;
}

/** Each effect is looked for before it is made: any line may be the last one of an attempt. */
class LeavingStep {
  constructor(
    private readonly step: LockedStep,
    private readonly leaving: Leaving,
    private readonly paused: boolean,
  ) {}

  async run(): Promise<void> {
    const { step, leaving } = this;
    const { tables } = leaving;
    const plan = await readPlan(step);
    await onEachShard(step, plan, (tablet) => streams.dropTables(step, plan, tablet, tables));
    // Nothing in the streams needs these tables any more.
    if (leaving.startStreams && !this.paused)
      await onEachShard(step, plan, (tablet) => streams.startAgain(step, planWithout(plan, tables), tablet));
    if (!leaving.takenBack) await this.takeBack(plan);
    await onEachShard(step, plan, (tablet) => streams.dropLanes(step, plan, tablet, tables));
    await fence.undoAround(step, tables);
    const denied = namesAmong((await step.journals.require(step.ref.runId)).deniedTables, tables);
    await step.underKeyspaceLock(async (lock) => {
      await vschemaEntries.undo(step, lock, tables);
      await deniedTables.undo(step, lock, denied);
    });
    await deniedTables.refresh(step, Object.keys(denied));
    await this.forget();
  }

  private async takeBack(plan: Plan): Promise<void> {
    const { step, leaving } = this;
    const { journals, ref } = step;
    const { createdTables } = await journals.require(ref.runId);
    const workflows = workflowsOf(plan);
    await onEachShard(step, plan, (tablet, shard) =>
      targetTables.takeBack(step, { tablet, workflows }, leaving.tables, createdTables[shard] ?? []),
    );
    await step.beforeEffect();
    await journals.update(ref.runId, (journal) => {
      journal.createdTables = namesWithout(journal.createdTables, leaving.tables);
      journal.leaving = { ...leaving, takenBack: true };
    });
  }

  /** The record first: until the journal says that they have left, another attempt goes on with it. */
  private async forget(): Promise<void> {
    const { tables } = this.leaving;
    const { journals, ref } = this.step;
    await this.step.beforeEffect();
    await journals.amend(ref.runId, {
      record: ({ input, plan }) => ({ input: inputWithout(input, tables), plan: planWithout(plan, tables) }),
      definitions: (all) => Object.fromEntries(Object.entries(all).filter(([table]) => !tables.includes(table))),
    });
    await journals.update(ref.runId, (journal) => {
      journal.deniedTables = namesWithout(journal.deniedTables, tables);
      journal.left = [...new Set([...journal.left, ...tables])];
      journal.leaving = null;
    });
  }
}

/** The plan as the record has it now: it changes while tables leave. */
async function readPlan({ journals, ref }: Step): Promise<Plan> {
  return (await journals.requireRecord(ref.runId)).plan;
}

async function report(step: Step): Promise<LeaveReport> {
  const { left } = await step.journals.require(step.ref.runId);
  return { tables: nameList(tableNames(await readPlan(step))), left: nameList(left) };
}

/** One shard after the other. */
async function onEachShard(
  { clients }: Step,
  { target }: Plan,
  work: (tablet: TabletHandle, shard: string) => Promise<void>,
): Promise<void> {
  for (const { name } of target.shards) await work(await clients.primary(clients.target, target.keyspace, name), name);
}
