import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationError, type Place } from '../migration/errors.js';
import type { Plan } from '../migration/plan.js';
import { streamGaps, type Gap } from '../migration/verdict.js';
import type { Clients } from '../vitess/clients.js';
import { allowTables } from '../vitess/topology/denied-tables.js';
import { JournalStore, type Journal } from '../vitess/topology/journal.js';
import { withMigrationLocks } from '../vitess/topology/lock.js';
import { withHeartbeat } from './heartbeat.js';
import { Watch } from './observe.js';
import { refreshShard } from './shards.js';
import { addToVSchema, removeFromVSchema } from './vschema.js';

/** Milliseconds: how long a stream may take to reach the source's position, and vtgate to show the tables. */
const catchUpTimeout = 30_000;
const serveTimeout = 60_000;
const servePoll = 250;

/** The step Complete, in the order of its steps: prove, publish, finish, serve. */
export function completeActivities(clients: Clients) {
  return {
    /** What the proof lacks, apart from the VDiff. Changes nothing. */
    async prove(plan: Plan): Promise<Gap[]> {
      return withHeartbeat(async () => {
        const gaps = streamGaps(plan, await new Watch(clients, plan).look());
        // Streams that were asked to stop after the copy will not come nearer.
        return gaps.length > 0 || plan.stopAfterCopy ? gaps : positionGaps(clients, plan);
      });
    },

    /** Makes the tables known to the target's vtgates. They stay denied until `finish`. */
    async publish(plan: Plan, runId: string): Promise<void> {
      await withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate publish', async (checkLocks) => {
          await addToVSchema(clients, plan, runId, async () => {
            stopIfCancelled();
            await checkLocks();
          });
        }),
      );
    },

    /** Takes back what `publish` did. @throws PAST_NO_RETURN when `finish` has got further than it could say */
    async unpublish(plan: Plan, runId: string): Promise<void> {
      await withHeartbeat(() =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate unpublish', async (checkLocks) => {
          refusePastNoReturn(await new JournalStore(clients.target, plan.target).require(runId), clients.target.place({ keyspace: plan.target.keyspace }));
          await removeFromVSchema(clients, plan.target, runId, checkLocks);
        }),
      );
    },

    /**
     * The point of no return. Looks at the streams once more under the locks and, if they still
     * stand as proven, marks the journal `forward`; from then on each attempt goes forward only:
     * VDiff records, streams, denied tables. Returns what is lacking, with nothing done, when they do not.
     */
    async finish(plan: Plan, runId: string): Promise<Gap[]> {
      return withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate complete', async (checkLocks) => {
          const journals = new JournalStore(clients.target, plan.target);
          const journal = await journals.require(runId);
          if (!journal.forward) {
            const gaps = streamGaps(plan, await new Watch(clients, plan).look());
            if (gaps.length > 0) return gaps;
            await checkLocks();
            // The last moment at which Cancel can still be heard.
            stopIfCancelled();
            await journals.update(runId, (record) => {
              record.forward = true;
            });
          }
          await deleteStreams(clients, plan.target, checkLocks);
          await allowOnShards(clients, plan.target.keyspace, journal.deniedTables, checkLocks);
          return [];
        }),
      );
    },

    /**
     * Reads every table through vtgate, as an application will, and then forgets the migration.
     * @throws TABLE_UNREADABLE, VTGATE_UNREACHABLE
     */
    async serve(plan: Plan, runId: string): Promise<void> {
      await withHeartbeat(async () => {
        const deadline = Date.now() + serveTimeout;
        for (const { name } of plan.tables) await readUntil(clients, plan.target.keyspace, name, deadline);
        await new JournalStore(clients.target, plan.target).remove(runId);
      });
    },
  };
}

/** @throws MigrationError PAST_NO_RETURN when the journal says that there is only the way forward */
export function refusePastNoReturn(journal: Journal, place: Place): void {
  if (!journal.forward) return;
  throw new MigrationError('PAST_NO_RETURN', 'the migration is past the point of no return: its streams are being deleted', place, 'let Complete end');
}

/** Removes VDiff records and streams of a workflow from every serving shard, and sees them gone. */
export async function deleteStreams(clients: Clients, id: { keyspace: string; workflow: string }, beforeEffect: () => Promise<void>): Promise<void> {
  for (const { name } of await clients.target.servingShards(id.keyspace)) {
    const tablet = await clients.primary(clients.target, id.keyspace, name);
    await beforeEffect();
    await tablet.deleteVDiffs(id.workflow, id.keyspace);
    if ((await tablet.streams(id.workflow)).length === 0) continue;
    await tablet.deleteStreams(id.workflow);
  }
}

/** Takes the entries a migration added out of the denied tables, and tells the tablets. */
export async function allowOnShards(clients: Clients, keyspace: string, denied: Record<string, string[]>, beforeEffect: () => Promise<void>): Promise<void> {
  for (const [shard, tables] of Object.entries(denied)) {
    await beforeEffect();
    await clients.target.updateShard(keyspace, shard, (record) => allowTables(record, tables));
    await refreshShard(clients, clients.target, keyspace, shard);
  }
}

/** Takes every source shard's position now and waits until each stream of it has got there. */
async function positionGaps(clients: Clients, plan: Plan): Promise<Gap[]> {
  const { mount, keyspace, shards } = plan.source;
  const topology = await clients.source(mount);
  const positions = new Map<string, string>();
  for (const { name } of shards) positions.set(name, await (await clients.primary(topology, keyspace, name)).primaryPosition());
  const gaps: Gap[] = [];
  await Promise.all(
    plan.target.shards.map(async (shard) => {
      const tablet = await clients.primary(clients.target, plan.target.keyspace, shard.name);
      for (const stream of await tablet.streams(plan.target.workflow)) {
        const position = positions.get(stream.sourceShard) ?? '';
        const place = clients.target.place({ keyspace: plan.target.keyspace, shard: shard.name, tablet: tablet.alias });
        try {
          await tablet.waitForPosition(stream.id, position, catchUpTimeout);
        } catch (error) {
          if (!(error instanceof MigrationError)) throw error;
          gaps.push({ code: 'NOT_CAUGHT_UP', message: `stream ${stream.id} has not reached the source's position ${position} in ${catchUpTimeout / 1000} s`, place });
        }
      }
    }),
  );
  return gaps;
}

async function readUntil(clients: Clients, keyspace: string, table: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      await clients.vtgate.readTable(keyspace, table);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(servePoll);
    }
  }
}
