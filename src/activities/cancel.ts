import { deniedTables } from '../effects/denied-tables.js';
import { fenceHook } from '../effects/fence-hook.js';
import { fence } from '../effects/fence.js';
import { JournalStore, refusePastNoReturn, workflowsIn, type Journal } from '../effects/journal.js';
import { streams } from '../effects/streams.js';
import { targetTables } from '../effects/target-tables.js';
import { vdiffs } from '../effects/vdiffs.js';
import { vschemaEntries } from '../effects/vschema-entries.js';
import { tableNames } from '../migration/plan/plan.js';
import { nameList, type MigrationRef, type NameList } from '../migration/plan/reference.js';
import { tablesStillKnown } from '../migration/problem/cell-not-reached.js';
import type { Problem } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import { withHeartbeat } from './step/heartbeat.js';
import { lockedStep, type LockedStep } from './step/step.js';

/** What Cancel has undone. */
export interface CancelReport {
  /** By target shard. */
  droppedTables: Record<string, NameList>;
  /** What could not be undone; a report of an earlier version has none. */
  warnings?: Problem[];
}

export interface CancelOptions {
  /**
   * With warnings the journal stays until `forget`, and remembers them: the answer of this attempt may be lost. The
   * workflow of an earlier version does not ask for that.
   */
  thenForget?: boolean;
}

/** The step Cancel: the target as it was before Create, by the journal. */
export function cancelActivities(clients: Clients) {
  return {
    /**
     * Undoes what the journal of this run says was made: the fence on the source, VDiff records and streams, created
     * tables, rows in tables that were there before, VSchema entries, denied tables. Without a journal nothing was
     * made, and nothing is done. A cell that cannot be reached is a warning of the answer.
     * @throws PAST_NO_RETURN when Complete has begun to delete streams, LOCKED
     */
    async cancel(ref: MigrationRef, { thenForget = false }: CancelOptions = {}): Promise<CancelReport> {
      const journal = await new JournalStore(clients.target, ref.id).read();
      if (journal?.runId !== ref.runId) return { droppedTables: {} };
      // A hanging VDiff holds the workflow's lock until it is deleted.
      if (journal.streams && !journal.forward) {
        const workflows = workflowsIn(journal, ref.id);
        await withHeartbeat(() => vdiffs.undo(clients, ref.id.keyspace, workflows));
      }
      const work = (step: LockedStep) => putBack(step, thenForget);
      return lockedStep(clients, ref, 'vtmigrate cancel', work, { interruptible: false });
    },

    /** Removes the journal of a migration that has been put back, but for what its warnings say. */
    async forget(ref: MigrationRef): Promise<void> {
      await withHeartbeat(async () => {
        const journals = new JournalStore(clients.target, ref.id);
        if ((await journals.read())?.runId === ref.runId) await journals.remove(ref.runId);
      });
    },
  };
}

/**
 * In the reverse order of Create and Complete; the fence first, so that the source's applications wait least. The
 * streams are stopped before the tables are taken back and deleted afterwards: they know which keys were deferred.
 */
async function putBack(step: LockedStep, thenForget: boolean): Promise<CancelReport> {
  const { clients, ref, journals } = step;
  const journal = await journals.read();
  if (journal?.runId !== ref.runId) return { droppedTables: {} };
  refusePastNoReturn(journal, clients.target.place({ keyspace: ref.id.keyspace }));
  await fence.undo(step);
  const unheard = await fenceHook.undo(step);
  await step.beforeEffect();
  await journals.update(ref.runId, (record) => {
    record.cancelling = true;
  });
  const workflows = workflowsIn(journal, ref.id);
  if (journal.streams) await streams.stop(step, workflows);
  await targetTables.undo(step, workflows, journal.createdTables, await copiedTables(step, journal));
  if (journal.streams) await streams.undo(step, workflows);
  const behind = await step.underKeyspaceLock(async (lock) => {
    const away = await vschemaEntries.undo(step, lock);
    await deniedTables.undo(step, lock, journal.deniedTables);
    return away;
  });
  await deniedTables.refresh(step, Object.keys(journal.deniedTables));
  if (behind.length + unheard.length === 0 || !thenForget) await journals.remove(ref.runId);
  const dropped = Object.entries(journal.createdTables).map(([shard, tables]) => [shard, nameList(tables)] as const);
  const warnings = [...unheard, ...tablesStillKnown(behind, clients.target.place({ keyspace: ref.id.keyspace }))];
  return { droppedTables: Object.fromEntries(dropped), warnings };
}

/** Tables that streams may have filled. Those that are gone since they left are nobody's business any more. */
async function copiedTables({ journals }: LockedStep, { streams, left, leaving }: Journal): Promise<string[]> {
  const record = streams ? await journals.readRecord() : undefined;
  if (record === undefined) return [];
  const gone = new Set([...left, ...(leaving?.takenBack === true ? leaving.tables : [])]);
  return tableNames(record.plan).filter((table) => !gone.has(table));
}
