import { deniedTables } from '../effects/denied-tables.js';
import { fence } from '../effects/fence.js';
import { JournalStore, refusePastNoReturn, type Journal } from '../effects/journal.js';
import { streams } from '../effects/streams.js';
import { targetTables } from '../effects/target-tables.js';
import { vdiffs } from '../effects/vdiffs.js';
import { vschemaEntries } from '../effects/vschema-entries.js';
import { tableNames } from '../migration/plan/plan.js';
import { nameList, type MigrationRef, type NameList } from '../migration/plan/reference.js';
import type { Clients } from '../vitess/clients.js';
import { withHeartbeat } from './step/heartbeat.js';
import { lockedStep, type LockedStep } from './step/step.js';

/** What Cancel has undone. */
export interface CancelReport {
  /** By target shard. */
  droppedTables: Record<string, NameList>;
}

/** The step Cancel: the target as it was before Create, by the journal. */
export function cancelActivities(clients: Clients) {
  return {
    /**
     * Undoes what the journal of this run says was made: the fence on the source, VDiff records and streams, created
     * tables, rows in tables that were there before, VSchema entries, denied tables. Without a journal nothing was
     * made, and nothing is done.
     * @throws PAST_NO_RETURN when Complete has begun to delete streams, LOCKED
     */
    async cancel(ref: MigrationRef): Promise<CancelReport> {
      const journal = await new JournalStore(clients.target, ref.id).read();
      if (journal?.runId !== ref.runId) return { droppedTables: {} };
      // A hanging VDiff holds the workflow's lock until it is deleted.
      if (journal.streams && !journal.forward) await withHeartbeat(() => vdiffs.undo(clients, ref.id));
      return lockedStep(clients, ref, 'vtmigrate cancel', putBack, { interruptible: false });
    },
  };
}

/**
 * In the reverse order of Create and Complete; the fence first, so that the source's applications wait least. The
 * streams are stopped before the tables are taken back and deleted afterwards: they know which keys were deferred.
 */
async function putBack(step: LockedStep): Promise<CancelReport> {
  const { clients, ref, journals } = step;
  const journal = await journals.read();
  if (journal?.runId !== ref.runId) return { droppedTables: {} };
  refusePastNoReturn(journal, clients.target.place({ keyspace: ref.id.keyspace }));
  await fence.undo(step);
  await step.beforeEffect();
  await journals.update(ref.runId, (record) => {
    record.cancelling = true;
  });
  if (journal.streams) await streams.stop(step);
  await targetTables.undo(step, journal.createdTables, await copiedTables(step, journal));
  if (journal.streams) await streams.undo(step);
  await vschemaEntries.undo(step);
  await deniedTables.undo(step, journal.deniedTables);
  await journals.remove(ref.runId);
  const dropped = Object.entries(journal.createdTables).map(([shard, tables]) => [shard, nameList(tables)] as const);
  return { droppedTables: Object.fromEntries(dropped) };
}

/** Tables that streams may have filled. Those that are gone since they left are nobody's business any more. */
async function copiedTables({ journals }: LockedStep, { streams, left, leaving }: Journal): Promise<string[]> {
  const record = streams ? await journals.readRecord() : undefined;
  if (record === undefined) return [];
  const gone = [...left, ...(leaving?.takenBack === true ? leaving.tables : [])];
  return tableNames(record.plan).filter((table) => !gone.includes(table));
}
