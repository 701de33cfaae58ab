import type { MigrationRef } from '../migration/lifecycle/reference.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationError, type Place } from '../migration/problem/errors.js';
import { driftGaps } from '../migration/proof/drift.js';
import type { Plan } from '../migration/plan/plan.js';
import { leastPosition } from '../migration/proof/position.js';
import type { Look } from '../migration/watch/observation.js';
import { streamGaps, type Gap } from '../migration/proof/gaps.js';
import type { Clients } from '../vitess/clients.js';
import { allowTables } from '../vitess/topology/shard-record.js';
import { JournalStore, planOf, type Journal } from '../effects/journal.js';
import { withMigrationLocks } from '../vitess/topology/lock.js';
import { readSourceDefinitions, readTargetDefinitions } from '../effects/definitions.js';
import { fenceStands, hasReached, quietPositions, raiseFence, takeDownFence } from '../effects/fence.js';
import { withHeartbeat } from './step/heartbeat.js';
import { Watch } from './step/look.js';
import { refreshShard } from '../effects/refresh-shard.js';
import { addToVSchema, removeFromVSchema } from '../effects/vschema-entries.js';

/** Milliseconds: how long a stream may take to reach the source's position, and vtgate to show the tables. */
const catchUpTimeout = 30_000;
const serveTimeout = 60_000;
const servePoll = 250;

/** The step Complete, in the order of its steps: prove, publish, fence, finish, serve. */
export function completeActivities(clients: Clients) {
  return {
    /** What the proof lacks, apart from the VDiff. Changes nothing. */
    async prove(ref: MigrationRef): Promise<Gap[]> {
      return withHeartbeat(async () => {
        const plan = await planOf(clients, ref);
        const gaps = [
          ...streamGaps(plan, await new Watch(clients, plan).look()),
          ...(await conflicts(clients, plan)),
          ...(await drift(clients, plan)),
        ];
        // Streams that were asked to stop after the copy will not come nearer.
        return gaps.length > 0 || plan.stream.stopAfterCopy
          ? gaps
          : positionGaps(clients, plan, await primaryPositions(clients, plan));
      });
    },

    /** Makes the tables known to the target's vtgates. They stay denied until `finish`. */
    async publish(ref: MigrationRef): Promise<void> {
      const { runId } = ref;
      const plan = await planOf(clients, ref);
      await withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate publish', async (checkLocks) => {
          await addToVSchema(clients, plan, runId, async () => {
            stopIfCancelled();
            await checkLocks();
          });
        }),
      );
    },

    /**
     * Denies writes on the source, and returns when every stream has what was written before.
     * What is lacking otherwise; the fence then still stands, and `unpublish` takes it down.
     */
    async fence(ref: MigrationRef): Promise<Gap[]> {
      const { runId } = ref;
      const plan = await planOf(clients, ref);
      return withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate fence', async (checkLocks) => {
          const journals = new JournalStore(clients.target, plan.target);
          if ((await journals.require(runId)).forward) return [];
          const open = await raiseFence(clients, plan, runId, async () => {
            stopIfCancelled();
            await checkLocks();
          });
          if (open.length > 0) return open;
          const { positions, gaps } = await quietPositions(clients, plan);
          if (gaps.length > 0) return gaps;
          await checkLocks();
          await journals.update(runId, (journal) => {
            journal.positions = positions;
          });
          return [...(await positionGaps(clients, plan, positions)), ...(await drift(clients, plan))];
        }),
      );
    },

    /** Takes back what `publish` and `fence` did. @throws PAST_NO_RETURN when `finish` has got further than it could say */
    async unpublish(ref: MigrationRef): Promise<void> {
      const { runId } = ref;
      const plan = await planOf(clients, ref);
      await withHeartbeat(() =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate unpublish', async (checkLocks) => {
          refusePastNoReturn(
            await new JournalStore(clients.target, plan.target).require(runId),
            clients.target.place({ keyspace: plan.target.keyspace }),
          );
          await takeDownFence(clients, plan.target, runId, checkLocks);
          await removeFromVSchema(clients, plan.target, runId, checkLocks);
        }),
      );
    },

    /**
     * The point of no return. Looks at the streams once more under the locks and, if they still
     * stand as proven, marks the journal `forward`; from then on each attempt goes forward only:
     * VDiff records, streams, denied tables. Returns what is lacking, with nothing done, when they do not.
     *
     * @param fenced whether `fence` went before: then it must still stand
     */
    async finish(ref: MigrationRef, fenced = false): Promise<Gap[]> {
      const { runId } = ref;
      const plan = await planOf(clients, ref);
      return withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate complete', async (checkLocks) => {
          const journals = new JournalStore(clients.target, plan.target);
          const journal = await journals.require(runId);
          if (!journal.forward) {
            const observation = await new Watch(clients, plan).look();
            const gaps = [
              ...streamGaps(plan, observation),
              ...(fenced ? await fenceGaps(clients, plan, journal, observation) : []),
            ];
            if (gaps.length > 0) return gaps;
            await checkLocks();
            // The last moment at which Cancel can still be heard.
            stopIfCancelled();
            await journals.update(runId, (record) => {
              record.forward = true;
              if (!fenced) record.positions = reachedPositions(plan, observation);
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
     * @param keepJournal the source's tables are still to be dealt with: `retire` forgets it then
     * @throws TABLE_UNREADABLE, VTGATE_UNREACHABLE
     */
    async serve(ref: MigrationRef, keepJournal = false): Promise<void> {
      await withHeartbeat(async () => {
        const journals = new JournalStore(clients.target, ref.id);
        const record = await journals.readRecord();
        // A second attempt after a first one whose answer was lost.
        if (record === undefined) return;
        const { plan } = record;
        const deadline = Date.now() + serveTimeout;
        for (const { name } of plan.tables) await readUntil(clients, plan.target.keyspace, name, deadline);
        if (!keepJournal) await journals.remove(ref.runId);
      });
    },
  };
}

/** The fence must still stand, and nothing may be missing that was written before it. */
async function fenceGaps(clients: Clients, plan: Plan, journal: Journal, observation: Look): Promise<Gap[]> {
  const place = { cluster: plan.source.mount, keyspace: plan.source.keyspace };
  if (!(await fenceStands(clients, plan)))
    return [
      {
        code: 'FENCE_DOWN',
        message: 'the fence on the source was taken down by another program',
        place,
        remedy: 'find out what changed the denied tables there, and complete again',
      },
    ];
  const behind = observation.streams.filter((stream) => !hasReached(stream, journal.positions));
  return behind.map((stream) => ({
    code: 'NOT_CAUGHT_UP',
    message: `stream ${stream.id} is behind the fence`,
    place: clients.target.place({ keyspace: plan.target.keyspace, shard: stream.shard, tablet: stream.tablet }),
    remedy: 'see the messages of the stream, and complete again',
  }));
}

/** By source shard: what every stream of it has. A shard whose streams cannot be compared has no entry. */
function reachedPositions(plan: Plan, observation: Look): Record<string, string> {
  return Object.fromEntries(
    plan.source.shards.flatMap(({ name }) => {
      const least = leastPosition(
        observation.streams.filter((stream) => stream.sourceShard === name).map((stream) => stream.position),
      );
      return least === undefined ? [] : [[name, least]];
    }),
  );
}

/** Other workflows that write to the plan's tables. */
async function conflicts(clients: Clients, plan: Plan): Promise<Gap[]> {
  const { keyspace, workflow, shards } = plan.target;
  const perShard = await Promise.all(
    shards.map(async ({ name: shard }) => {
      const tablet = await clients.primary(clients.target, keyspace, shard);
      const others = (await tablet.workflows()).filter((other) => other.workflow !== workflow);
      return plan.tables.flatMap(({ name: table }): Gap[] => {
        const other = others.find(({ tables }) => tables.includes(table));
        return other === undefined
          ? []
          : [
              {
                code: 'OTHER_WORKFLOW',
                message: `workflow ${keyspace}.${other.workflow} writes to the table as well`,
                place: clients.target.place({ keyspace, shard, tablet: tablet.alias, table }),
                remedy: 'complete or cancel that workflow first',
              },
            ];
      });
    }),
  );
  return perShard.flat();
}

/** Changes of the source's definitions since Create. */
async function drift(clients: Clients, plan: Plan): Promise<Gap[]> {
  const definitions = await new JournalStore(clients.target, plan.target).readDefinitions();
  if (definitions === undefined) return [];
  const [source, targets] = await Promise.all([
    readSourceDefinitions(clients, plan),
    readTargetDefinitions(clients, plan),
  ]);
  return driftGaps(definitions, source, targets, { cluster: plan.source.mount, keyspace: plan.source.keyspace });
}

/** @throws MigrationError PAST_NO_RETURN when the journal says that there is only the way forward */
export function refusePastNoReturn(journal: Journal, place: Place): void {
  if (!journal.forward) return;
  throw new MigrationError(
    'PAST_NO_RETURN',
    'the migration is past the point of no return: its streams are being deleted',
    place,
    'let Complete end',
  );
}

/** Removes VDiff records and streams of a workflow from every serving shard, and sees them gone. */
export async function deleteStreams(
  clients: Clients,
  id: { keyspace: string; workflow: string },
  beforeEffect: () => Promise<void>,
): Promise<void> {
  for (const { name } of await clients.target.servingShards(id.keyspace)) {
    const tablet = await clients.primary(clients.target, id.keyspace, name);
    await beforeEffect();
    await tablet.deleteVDiffs(id.workflow, id.keyspace);
    if ((await tablet.streams(id.workflow)).length === 0) continue;
    await tablet.deleteStreams(id.workflow);
  }
}

/** Takes the entries a migration added out of the denied tables, and tells the tablets. */
export async function allowOnShards(
  clients: Clients,
  keyspace: string,
  denied: Record<string, string[]>,
  beforeEffect: () => Promise<void>,
): Promise<void> {
  for (const [shard, tables] of Object.entries(denied)) {
    await beforeEffect();
    await clients.target.updateShard(keyspace, shard, (record) => allowTables(record, tables));
    await refreshShard(clients, clients.target, keyspace, shard);
  }
}

/** Where the primary of each source shard stands now. */
async function primaryPositions(clients: Clients, plan: Plan): Promise<Record<string, string>> {
  const { mount, keyspace, shards } = plan.source;
  const topology = await clients.source(mount);
  return Object.fromEntries(
    await Promise.all(
      shards.map(
        async ({ name }) => [name, await (await clients.primary(topology, keyspace, name)).primaryPosition()] as const,
      ),
    ),
  );
}

/** Waits until each stream has reached the position of its source shard. */
async function positionGaps(clients: Clients, plan: Plan, positions: Record<string, string>): Promise<Gap[]> {
  const gaps: Gap[] = [];
  await Promise.all(
    plan.target.shards.map(async (shard) => {
      const tablet = await clients.primary(clients.target, plan.target.keyspace, shard.name);
      for (const stream of await tablet.streams(plan.target.workflow)) {
        const position = positions[stream.sourceShard] ?? '';
        const place = clients.target.place({ keyspace: plan.target.keyspace, shard: shard.name, tablet: tablet.alias });
        try {
          await tablet.waitForPosition(stream.id, position, catchUpTimeout);
        } catch (error) {
          if (!(error instanceof MigrationError)) throw error;
          gaps.push({
            code: 'NOT_CAUGHT_UP',
            message: `stream ${stream.id} has not reached the source's position ${position} in ${catchUpTimeout / 1000} s`,
            place,
            remedy: 'see the lag and the messages of the stream; Complete is tried again',
          });
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
