import { nameList, type MigrationRef, type NameList } from '../migration/lifecycle/reference.js';
import type { WorkflowIdentifier } from '../migration/input/identifier.js';
import type { Clients } from '../vitess/clients.js';
import { JournalStore } from '../effects/journal.js';
import { removeDeadVDiffLocks, withMigrationLocks, type MigrationLocks } from '../vitess/topology/lock.js';
import { allowOnShards, deleteStreams, refusePastNoReturn } from './complete.js';
import { takeDownFence } from '../effects/fence.js';
import { withHeartbeat } from './step/heartbeat.js';
import { removeFromVSchema } from '../effects/vschema-entries.js';

/** What Cancel has undone. */
export interface CancelReport {
  droppedTables: Record<string, NameList>;
}

/** The step Cancel: the target as it was before Create, by the journal. */
export function cancelActivities(clients: Clients) {
  return {
    /**
     * Undoes what the journal of this run says was made: the fence on the source, VDiff records and streams, created tables,
     * VSchema entries, denied tables. Without a journal nothing was made, and nothing is done.
     * @throws PAST_NO_RETURN when Complete has begun to delete streams, LOCKED
     */
    async cancel({ id, runId }: MigrationRef): Promise<CancelReport> {
      return withHeartbeat(async () => {
        const journals = new JournalStore(clients.target, id);
        const journal = await journals.read();
        if (journal === undefined || journal.runId !== runId) return { droppedTables: {} };
        // A VDiff that hangs holds the workflow's lock until it is deleted.
        if (journal.streams && !journal.forward) await deleteVDiffs(clients, id);
        return withMigrationLocks(clients.target, id, 'vtmigrate cancel', async (locks) => {
          const current = (await journals.read()) ?? journal;
          refusePastNoReturn(current, clients.target.place({ keyspace: id.keyspace }));
          // First, so that the source's applications wait no longer than they must.
          await takeDownFence(clients, locks, runId);
          if (current.streams) await deleteStreams(clients, locks);
          for (const [shard, tables] of Object.entries(current.createdTables))
            await dropTables(clients, locks, shard, tables);
          await removeFromVSchema(clients, locks, runId);
          await allowOnShards(clients, locks, current.deniedTables);
          await journals.remove(runId);
          return { droppedTables: mapValues(current.createdTables, nameList) };
        });
      });
    },
  };
}

/** Deletes the VDiffs of a workflow on every serving shard; one that hangs lets go of the workflow's lock. */
export async function deleteVDiffs(clients: Clients, id: WorkflowIdentifier): Promise<void> {
  for (const { name } of await clients.target.servingShards(id.keyspace)) {
    const tablet = await clients.primary(clients.target, id.keyspace, name);
    await tablet.deleteVDiffs(id.workflow, id.keyspace);
  }
  await removeDeadVDiffLocks(clients.target, id);
}

async function dropTables(
  clients: Clients,
  locks: MigrationLocks,
  shard: string,
  tables: readonly string[],
): Promise<void> {
  const tablet = await clients.primary(clients.target, locks.keyspace, shard);
  for (const table of tables) {
    await locks.check();
    await tablet.dropTable(table);
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
