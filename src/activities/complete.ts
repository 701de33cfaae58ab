import { deniedTables } from '../effects/denied-tables.js';
import { fence } from '../effects/fence.js';
import { fenceHook } from '../effects/fence-hook.js';
import { refusePastNoReturn, workflowsIn, type Journal } from '../effects/journal.js';
import { sequences } from '../effects/sequences.js';
import type { Source } from '../effects/source/source.js';
import { sourceOf } from '../effects/source/open-source.js';
import { streams } from '../effects/streams.js';
import { vschemaEntries } from '../effects/vschema-entries.js';
import type { ProveOptions } from '../migration/lifecycle/state.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { targetPlace, type Plan } from '../migration/plan/plan.js';
import { cutoverOf, type Cutover } from '../migration/proof/cutover.js';
import { cappedGaps, lagGaps, streamGaps, type Gap } from '../migration/proof/gaps.js';
import { leastPosition } from '../migration/proof/position.js';
import type { StreamsLook } from '../migration/watch/observation.js';
import { cellsNotReached } from '../migration/problem/cell-not-reached.js';
import type { Problem } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import type { KeyspaceLock } from '../vitess/topology/lock.js';
import { Watch } from './step/look.js';
import { conflictGaps, hasReached, positionGaps, schemaDriftGaps, sourcePositions } from './step/proof.js';
import { leaks, quietPositions, settle } from './step/quiet-source.js';
import { lockedStep, readingStep, type LockedStep, type Step } from './step/step.js';

/** Options of `finish`. */
export interface FinishOptions extends ProveOptions {
  /** `fence` went before, and must still stand. */
  fenced?: boolean;
}

/** What `finish` answers. */
export interface FinishAnswer {
  /** What is lacking; with some, nothing has been done. */
  gaps: Gap[];
  /** Null without a fence, and with gaps. */
  cutover: Cutover | null;
}

/** Asks the checks of preflight that are asked again at Complete. Answers what stops it. */
export type Recheck = (clients: Clients, ref: MigrationRef, options: ProveOptions) => Promise<Gap[]>;

/** The step Complete, in the order of its steps: prove, publish, fence, finish; then comes `serve`. */
export function completeActivities(clients: Clients, recheck: Recheck) {
  return {
    /** What the proof lacks, apart from the VDiff. Changes nothing. */
    async prove(ref: MigrationRef, options: ProveOptions = {}): Promise<Gap[]> {
      return readingStep(clients, ref, async (step) => cappedGaps(await gapsNow(step, recheck, options)));
    },

    /**
     * Makes the tables known to the target's vtgates. They stay denied until `finish`. A cell that cannot be reached
     * is a warning of the answer.
     */
    async publish(ref: MigrationRef): Promise<Problem[]> {
      return lockedStep(clients, ref, 'vtmigrate publish', async (step) => {
        const plan = await step.plan();
        const away = await step.underKeyspaceLock((lock) => vschemaEntries.make(step, lock, plan));
        const what = 'the vtgates of the cell do not get to know the tables';
        return cellsNotReached(what, away, clients.target.place({ keyspace: ref.id.keyspace }));
      });
    },

    /**
     * Denies writes on the source, and returns when every stream has what was written before. The answer is what is
     * lacking otherwise; the fence then still stands, and `unpublish` takes it down.
     */
    async fence(ref: MigrationRef): Promise<Gap[]> {
      return lockedStep(clients, ref, 'vtmigrate fence', async (step) => cappedGaps(await raiseFence(step)));
    },

    /**
     * Takes back what `publish`, `fence` and `insideFence` did. Answers what could not be.
     * @throws PAST_NO_RETURN when `finish` has passed that point
     */
    async unpublish(ref: MigrationRef): Promise<Problem[]> {
      const takeBack = async (step: LockedStep) => {
        const place = clients.target.place({ keyspace: ref.id.keyspace });
        refusePastNoReturn(await step.journals.require(ref.runId), place);
        await fence.undo(step);
        const unheard = await fenceHook.undo(step);
        await step.underKeyspaceLock((lock) => vschemaEntries.undo(step, lock));
        return unheard;
      };
      return lockedStep(clients, ref, 'vtmigrate unpublish', takeBack, { interruptible: false });
    },

    /**
     * The point of no return. Looks at the streams once more under the locks and, if they still stand as proven,
     * marks the journal `forward`; from then on each attempt goes forward only: VDiff records, streams, sequences,
     * denied tables. Answers what is lacking, with nothing done, when they do not.
     */
    async finish(ref: MigrationRef, options: FinishOptions = {}): Promise<FinishAnswer> {
      const { fenced = false, initializeTargetSequences = false } = options;
      const forward = async (step: LockedStep, lock: KeyspaceLock) => {
        const journal = await step.journals.require(ref.runId);
        const gaps = journal.forward ? [] : await passNoReturn(step, journal, fenced);
        if (gaps.length > 0) return { gaps: cappedGaps(gaps), cutover: null };
        await streams.undo(step, workflowsIn(journal, ref.id));
        // Every key has arrived, and no application can take a number yet.
        await sequences.make(step, await step.plan(), initializeTargetSequences);
        await deniedTables.undo(step, lock, journal.deniedTables);
        await deniedTables.refresh(step, Object.keys(journal.deniedTables));
        return { gaps: [], cutover: await noteTaken(step) };
      };
      // Whoever holds the keyspace's lock is waited for before the point of no return.
      const work = (step: LockedStep) => step.underKeyspaceLock((lock) => forward(step, lock));
      return lockedStep(clients, ref, 'vtmigrate complete', work, { interruptible: false });
    },
  };
}

async function gapsNow(step: Step, recheck: Recheck, options: ProveOptions): Promise<Gap[]> {
  const { clients } = step;
  const plan = await step.plan();
  const source = await sourceOf(clients, plan);
  const { maxReplicationLagAllowed } = await step.input();
  const look = await new Watch(clients, plan).look();
  const gaps = [
    ...streamGaps(plan, look),
    ...(maxReplicationLagAllowed === undefined ? [] : lagGaps(plan, look, maxReplicationLagAllowed)),
    ...(await conflictGaps(step, plan)),
    ...(await schemaDriftGaps(step, plan, source)),
    ...(await recheck(clients, step.ref, options)),
  ];
  // Streams that were asked to stop after the copy will not come nearer.
  if (gaps.length > 0 || plan.stream.stopAfterCopy) return gaps;
  return positionGaps(step, plan, await sourcePositions(source));
}

async function raiseFence(step: LockedStep): Promise<Gap[]> {
  const { clients, ref, journals } = step;
  if ((await journals.require(ref.runId)).forward) return [];
  const plan = await step.plan();
  const source = await sourceOf(clients, plan);
  await fence.make(step, source, plan);
  const atPositions = async (positions: Record<string, string>) => [
    ...(await positionGaps(step, plan, positions)),
    ...(await schemaDriftGaps(step, plan, source)),
  ];
  const { positions, gaps } = await quietPositions(source, plan, atPositions, () => step.stopIfCancelled());
  if (gaps.length > 0) return gaps;
  await step.beforeEffect();
  await journals.update(ref.runId, (journal) => {
    journal.positions = positions;
  });
  return [];
}

/** Marks the journal `forward`, unless something is lacking. */
async function passNoReturn(step: LockedStep, journal: Journal, fenced: boolean): Promise<Gap[]> {
  const plan = await step.plan();
  const source = await sourceOf(step.clients, plan);
  if (fenced) await settle(journal.refusedSince);
  const [look, lacking] = await Promise.all([
    new Watch(step.clients, plan).lookAtStreams(),
    fenced ? fenceGaps(source, plan, journal) : [],
  ]);
  const gaps = [...streamGaps(plan, look), ...lacking, ...(fenced ? behindFence(plan, journal, look) : [])];
  if (gaps.length > 0) return gaps;
  await step.beforeEffect();
  // The last moment at which Cancel can still be heard.
  step.stopIfCancelled();
  await step.journals.update(step.ref.runId, (record) => {
    record.forward = true;
    if (!fenced) record.positions = reachedPositions(plan, look);
  });
  return [];
}

/** Of several attempts, the first one that came to its end counts. */
async function noteTaken(step: LockedStep): Promise<Cutover | null> {
  const now = Date.now();
  const { refusedSince, takenAt } = await step.journals.update(step.ref.runId, (record) => {
    record.takenAt ??= now;
  });
  return cutoverOf(refusedSince, takenAt ?? now);
}

/** A fence that is down, or past which something was written. */
async function fenceGaps(source: Source, plan: Plan, { positions }: Journal): Promise<Gap[]> {
  const [stands, late] = await Promise.all([fence.stands(source, plan), leaks(source, plan, positions)]);
  return stands ? late : [fenceDown(plan)];
}

function fenceDown(plan: Plan): Gap {
  return {
    code: 'FENCE_DOWN',
    message: 'the fence on the source was taken down by another program',
    place: { cluster: plan.source.mount, keyspace: plan.source.keyspace },
    remedy: 'find out what changed the denied tables there, and complete again',
  };
}

function behindFence(plan: Plan, journal: Journal, look: StreamsLook): Gap[] {
  const behind = look.streams.filter((stream) => !hasReached(stream, journal.positions));
  return behind.map((stream) => ({
    code: 'NOT_CAUGHT_UP',
    message: `stream ${stream.id} is behind the fence`,
    place: targetPlace(plan, { shard: stream.shard, tablet: stream.tablet }),
    remedy: 'see the messages of the stream, and complete again',
  }));
}

/** By source shard: what every stream of it has. A shard whose streams cannot be compared has no entry. */
function reachedPositions(plan: Plan, look: StreamsLook): Record<string, string> {
  return Object.fromEntries(
    plan.source.shards.flatMap(({ name }) => {
      const positions = look.streams.filter((stream) => stream.sourceShard === name).map(({ position }) => position);
      const least = leastPosition(positions);
      return least === undefined ? [] : [[name, least]];
    }),
  );
}
