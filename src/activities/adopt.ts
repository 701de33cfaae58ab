import { toBinary } from '@bufbuild/protobuf';
import { refusePastNoReturn, workflowsIn, type Journal, type MigrationRecord } from '../effects/journal.js';
import { listJournals } from '../effects/journal-list.js';
import { sourceOf } from '../effects/source/open-source.js';
import { streams } from '../effects/streams.js';
import { vdiffs } from '../effects/vdiffs.js';
import {
  adoptedInput,
  barePlan,
  nextStep,
  planOfStreams,
  settingsOf,
  sourceOfStreams,
  type AdoptingTarget,
  type Adoption,
} from '../migration/adopt/adoption.js';
import { formatIdentifier, parseSourceIdentifier } from '../migration/input/identifier.js';
import type { AdoptInput } from '../migration/input/input.js';
import { nameList, type MigrationRef } from '../migration/plan/reference.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import { expectedStreams, tableNames, type Plan } from '../migration/plan/plan.js';
import { MigrationError, type Place } from '../migration/problem/errors.js';
import { repairMessage } from '../migration/watch/observation.js';
import type { ShardStreams } from '../migration/watch/stream.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { deniedTables } from '../vitess/topology/shard-record.js';
import { TableSchema } from '../vitess/wire/vschema_pb.js';
import { withHeartbeat } from './step/heartbeat.js';
import { lockedStep, Step, type LockedStep } from './step/step.js';

/** The other beginning of a migration: adopting one that no workflow runs any more, or that `vtctldclient` has made. */
export function adoptActivities(clients: Clients) {
  return {
    /**
     * Makes the migration this run's. One of vtmigrate is found by its journal, one of `vtctldclient` by its streams;
     * the latter gets a journal, with what Cancel must undo as far as it can be known. An existing VDiff is deleted
     * first: one that hangs would hold the lock.
     * @throws NOTHING_TO_ADOPT, NOT_ADOPTABLE, STREAMS_MISSING, PAST_NO_RETURN, LOCKED
     */
    async adopt(ref: MigrationRef, request: AdoptInput): Promise<Adoption> {
      await withHeartbeat(async () => {
        const { streams, journal } = await new Looking(new Step(clients, ref), request).look();
        if (streams.length > 0 && journal?.forward !== true)
          await vdiffs.undo(clients, ref.id.keyspace, workflowsIn(journal, ref.id));
      });
      return lockedStep(clients, ref, `vtmigrate adopt to ${request.adopt}`, (step) =>
        new Adopting(step, request).run(),
      );
    },
  };
}

/** What is in the cluster under the identifier. */
interface Found {
  journal: Journal | undefined;
  record: MigrationRecord | undefined;
  target: AdoptingTarget;
  /** Of the target shards that have any. */
  streams: ShardStreams[];
}

/** Reads what there is, and refuses what cannot be adopted, with nothing changed. */
class Looking<S extends Step> {
  constructor(
    protected readonly step: S,
    protected readonly request: AdoptInput,
  ) {}

  async look(): Promise<Found> {
    const { clients, ref, journals } = this.step;
    const { target } = clients;
    const { keyspace } = ref.id;
    const [journal, record, vschema, cells, shards] = await Promise.all([
      journals.read(),
      journals.readRecord(),
      target.vschema(keyspace),
      target.cells(),
      target.servingShards(keyspace),
    ]);
    const workflows = workflowsIn(journal, ref.id);
    const streams = await Promise.all(
      shards.map(async ({ name }) => (await clients.primary(target, keyspace, name)).workflows(workflows)),
    );
    const found: Found = {
      journal,
      record,
      streams: streams.flat(),
      target: { sharded: vschema.sharded, cells, shards: shards.map(({ name, keyRange }) => ({ name, keyRange })) },
    };
    this.refuse(found);
    return found;
  }

  private refuse(found: Found): void {
    const { journal, streams } = found;
    const { clients, ref } = this.step;
    const place = clients.target.place({ keyspace: ref.id.keyspace });
    const id = formatIdentifier(ref.id);
    const some = streams.length > 0;
    if (journal === undefined && !some)
      throw new MigrationError(
        'NOTHING_TO_ADOPT',
        `nothing of ${id} is in the cluster: it has no journal and no streams`,
        place,
        `to see what else is there: vtmigrate Audit ${ref.id.keyspace}`,
      );
    const { mount, keyspace } = some ? sourceOfStreams(ref.id, streams) : parseSourceIdentifier(journal?.source ?? '');
    if (`${mount}.${keyspace}` !== this.request.source)
      throw new MigrationError(
        'NOT_ADOPTABLE',
        `${id} comes from ${mount}.${keyspace}, not from ${this.request.source}`,
        place,
        `give ${mount}.${keyspace} as its source`,
      );
    if (journal !== undefined && this.changes) refusePastNoReturn(journal, place);
    if (this.completes) this.refuseToComplete(found, place);
  }

  private refuseToComplete({ journal, record, streams }: Found, place: Place): void {
    const id = formatIdentifier(this.step.ref.id);
    if (journal?.cancelling === true)
      throw new MigrationError(
        'NOT_ADOPTABLE',
        `${id} was being cancelled: a part of what it had made may be gone`,
        place,
        'cancel it, and create it again',
      );
    if (record === undefined && streams.length === 0 && journal?.forward !== true)
      throw new MigrationError(
        'NOT_ADOPTABLE',
        `${id} has a journal and nothing else: its Create was cut off before anything was made`,
        place,
        'cancel it, and create it again',
      );
  }

  /** More is asked for than to go forward. */
  private get changes(): boolean {
    return !this.completes || (this.request.leaveTables ?? []).length > 0;
  }

  protected get completes(): boolean {
    return this.request.adopt === 'complete';
  }
}

class Adopting extends Looking<LockedStep> {
  async run(): Promise<Adoption> {
    const { step, request } = this;
    const { runId } = step.ref;
    const found = await this.look();
    const plan = found.record?.plan ?? (await this.plan(found));
    const next = await this.next(found, plan);
    const input = adoptedInput(request, plan, found.record?.input);
    const definitions = await this.missingDefinitions(found, plan, next);
    await step.beforeEffect();
    if (found.journal === undefined) await step.journals.begin(runId, request.source, await this.made(found, plan));
    else await step.journals.takeOver(step.lock, runId);
    if (found.record === undefined) await step.journals.writeRecord(runId, { input, plan });
    if (definitions !== undefined) await step.journals.writeDefinitions(runId, definitions);
    if (this.completes && next === 'copy') await this.takeOverStreams(plan, found, input.copyHours);
    const { left = [], leaving = null } = found.journal ?? {};
    return {
      settings: settingsOf(input),
      tables: nameList(tableNames(plan)),
      left: nameList(left),
      leaving: leaving?.tables ?? [],
      next,
    };
  }

  private async takeOverStreams(plan: Plan, { record }: Found, hours: string): Promise<void> {
    const { clients, ref } = this.step;
    for (const { name } of plan.target.shards) {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, name);
      if (plan.target.sharded) await streams.stopBatching(this.step, plan, tablet);
      // Our Create may have been cut off half-way. Streams of another program may be stopped on purpose.
      if (record?.plan.stream.autoStart === true) await streams.start(this.step, plan, tablet, hours);
      await this.startRepaired(plan, tablet);
    }
  }

  /** A repair of the run before, cut off, has left streams that nobody else starts again. */
  private async startRepaired(plan: Plan, tablet: TabletHandle): Promise<void> {
    const workflows = workflowsOf(plan);
    if (!(await tablet.streams(workflows)).some(({ message }) => message === repairMessage)) return;
    await this.step.beforeEffect();
    await tablet.setStreamState(workflows, 'Running', '');
  }

  /** For streams of `vtctldclient`, the definitions as they are now stand for those that Create saw. */
  private async missingDefinitions({ record }: Found, plan: Plan, next: Adoption['next']) {
    if (record !== undefined || !this.completes || next === 'forward') return undefined;
    const source = await sourceOf(this.step.clients, plan);
    return Object.values(await source.definitions(tableNames(plan)))[0];
  }

  /** Of a migration without a record: its Create was cut off early, or `vtctldclient` has made it. */
  private async plan({ journal, streams, target }: Found): Promise<Plan> {
    const { clients, ref } = this.step;
    if (streams.length > 0) {
      const { mount } = sourceOfStreams(ref.id, streams);
      // Cancel needs nothing of the source, which may be gone.
      const cells = this.completes ? await (await clients.source(mount)).cells() : [];
      return planOfStreams(ref.id, target, streams, cells);
    }
    const lists = [journal?.deniedTables ?? {}, journal?.createdTables ?? {}].flatMap((byShard) =>
      Object.values(byShard).flat(),
    );
    const source = parseSourceIdentifier(this.request.source);
    const shards = Object.keys(journal?.positions ?? {});
    return barePlan(ref.id, target, { ...source, shards, tables: [...new Set(lists)].sort() }, []);
  }

  private async next(found: Found, plan: Plan): Promise<Adoption['next']> {
    if (found.journal?.forward === true) return 'forward';
    if (!this.completes) return 'copy';
    const all = found.streams.flatMap((shard) => shard.streams);
    const begun =
      all.some((stream) => stream.position !== '' || stream.state !== 'Stopped') || (await this.anyRow(plan));
    return nextStep(
      { expected: expectedStreams(plan), found: all.length, begun },
      plan.stream.autoStart,
      found.record !== undefined,
      this.step.clients.target.place({ keyspace: this.step.ref.id.keyspace }),
    );
  }

  private async anyRow(plan: Plan): Promise<boolean> {
    const { clients, ref } = this.step;
    for (const { name } of plan.target.shards) {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, name);
      const present = new Set(await tablet.tableNames());
      const tables = tableNames(plan).filter((table) => present.has(table));
      if ((await tablet.nonEmptyTables(tables)).length > 0) return true;
    }
    return false;
  }

  /**
   * What `vtctldclient` has made, as far as it can be known: the tables that its own cancel would drop, their
   * denied-table entries, and VSchema entries as empty as it writes them on an unsharded target.
   */
  private async made({ target }: Found, plan: Plan): Promise<Partial<Journal>> {
    const { clients, ref } = this.step;
    const names = tableNames(plan);
    const vschema = await clients.target.vschema(ref.id.keyspace);
    const others = await listJournals(clients.target, ref.id.keyspace);
    const isBlank = (name: string) =>
      Object.hasOwn(vschema.tables, name) &&
      vschema.tables[name] !== undefined &&
      toBinary(TableSchema, vschema.tables[name]).length === 0;
    const createdTables: Record<string, string[]> = {};
    const denied: Record<string, string[]> = {};
    for (const { name: shard } of target.shards) {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, shard);
      const present = new Set(await tablet.tableNames());
      const entries = deniedTables(await clients.target.shard(ref.id.keyspace, shard));
      createdTables[shard] = names.filter((name) => present.has(name));
      denied[shard] = names.filter(
        (name) => entries.includes(name) && !others.some(({ journal }) => journal.deniedTables[shard]?.includes(name)),
      );
    }
    const vschemaTables = target.sharded ? [] : names.filter(isBlank);
    return { streams: true, createdTables, deniedTables: denied, vschemaTables };
  }
}
