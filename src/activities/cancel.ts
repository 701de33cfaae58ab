import { nameList, type MigrationRef, type NameList } from '../migration/lifecycle/reference.js';
import type { WorkflowIdentifier } from '../migration/input/identifier.js';
import { quoteName } from '../migration/sql/quote.js';
import type { Clients } from '../vitess/clients.js';
import { JournalStore } from '../effects/journal.js';
import { removeDeadVDiffLocks, withMigrationLocks } from '../vitess/topology/lock.js';
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
        return withMigrationLocks(clients.target, id, 'vtmigrate cancel', async (checkLocks) => {
          const current = (await journals.read()) ?? journal;
          refusePastNoReturn(current, clients.target.place({ keyspace: id.keyspace }));
          // First, so that the source's applications wait no longer than they must.
          await takeDownFence(clients, id, runId, checkLocks);
          if (current.streams) await deleteStreams(clients, id, checkLocks);
          for (const [shard, tables] of Object.entries(current.createdTables))
            await dropTables(clients, id.keyspace, shard, tables, checkLocks);
          await removeFromVSchema(clients, id, runId, checkLocks);
          await allowOnShards(clients, id.keyspace, current.deniedTables, checkLocks);
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
  keyspace: string,
  shard: string,
  tables: readonly string[],
  beforeEffect: () => Promise<void>,
): Promise<void> {
  const tablet = await clients.primary(clients.target, keyspace, shard);
  for (const table of tables) {
    await beforeEffect();
    await tablet.query(`drop table if exists ${quoteName(table)}`, {
      disableForeignKeyChecks: true,
      reloadSchema: true,
    });
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
