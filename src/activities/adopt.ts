import { nameList, type MigrationRef } from '../migration/lifecycle/reference.js';
import { toBinary } from '@bufbuild/protobuf';
import {
  adoptedInput,
  barePlan,
  nextStep,
  settingsOf,
  planOfStreams,
  sourceOfStreams,
  type AdoptingTarget,
  type Adoption,
} from '../migration/adopt/adoption.js';
import { MigrationError } from '../migration/problem/errors.js';
import { formatIdentifier, parseSourceIdentifier, type WorkflowIdentifier } from '../migration/input/identifier.js';
import type { AdoptInput } from '../migration/input/input.js';
import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { ShardStreams } from '../migration/watch/stream.js';
import type { Clients } from '../vitess/clients.js';
import { deniedTables } from '../vitess/topology/shard-record.js';
import { JournalStore, listJournals, type Journal, type MigrationRecord } from '../effects/journal.js';
import { withMigrationLocks, type MigrationLocks } from '../vitess/topology/lock.js';
import { TableSchema } from '../vitess/wire/vschema_pb.js';
import { deleteVDiffs } from './cancel.js';
import { refusePastNoReturn } from './complete.js';
import { readSourceDefinitions } from '../effects/definitions.js';
import { withHeartbeat } from './step/heartbeat.js';

/** The other beginning of a migration: taking over one that nobody looks after any more, or that `vtctldclient` has made. */
export function adoptActivities(clients: Clients) {
  return {
    /**
     * Makes the migration this run's. Ours is found by its journal, `vtctldclient`'s by its streams;
     * for those a journal is begun, with what Cancel must undo as far as it can be known. A VDiff
     * that is there is deleted first: one that hangs would hold the lock.
     * @throws NOTHING_TO_ADOPT, NOT_ADOPTABLE, STREAMS_MISSING, PAST_NO_RETURN, LOCKED
     */
    async adopt({ id, runId }: MigrationRef, request: AdoptInput): Promise<Adoption> {
      return withHeartbeat(async (stopIfCancelled) => {
        const before = await new Adopting(clients, request, id, runId).look();
        stopIfCancelled();
        if (before.streams.some(({ streams }) => streams.length > 0) && before.journal?.forward !== true)
          await deleteVDiffs(clients, id);
        return withMigrationLocks(clients.target, id, `vtmigrate adopt to ${request.adopt}`, (locks) =>
          new Adopting(clients, request, id, runId).run(locks),
        );
      });
    },
  };
}

/** What is in the cluster under the identifier. */
interface Found {
  journal: Journal | undefined;
  record: MigrationRecord | undefined;
  target: AdoptingTarget;
  streams: ShardStreams[];
}

class Adopting {
  private readonly journals: JournalStore;

  constructor(
    private readonly clients: Clients,
    private readonly request: AdoptInput,
    private readonly id: WorkflowIdentifier,
    private readonly runId: string,
  ) {
    this.journals = new JournalStore(clients.target, id);
  }

  async run(locks: MigrationLocks): Promise<Adoption> {
    const found = await this.look();
    const plan = found.record?.plan ?? (await this.plan(found));
    const next = await this.next(found, plan);
    const definitions =
      found.record === undefined && this.completes && next !== 'forward'
        ? await readSourceDefinitions(this.clients, plan)
        : undefined;
    const input = adoptedInput(this.request, plan, found.record?.input);
    await locks.check();
    if (found.journal === undefined)
      await this.journals.begin(this.runId, this.request.source, await this.made(found, plan));
    else await this.journals.takeOver(locks, this.runId);
    if (found.record === undefined) await this.journals.writeRecord(this.runId, { input, plan });
    if (definitions !== undefined) await this.journals.writeDefinitions(this.runId, definitions);
    return { settings: settingsOf(input), tables: nameList(tableNames(plan)), next };
  }

  /** Reads what there is and refuses what cannot be taken over, with nothing changed. */
  async look(): Promise<Found> {
    const { target } = this.clients;
    const [journal, record, vschema, cells, shards] = await Promise.all([
      this.journals.read(),
      this.journals.readRecord(),
      target.vschema(this.id.keyspace),
      target.cells(),
      target.servingShards(this.id.keyspace),
    ]);
    const streams = await Promise.all(
      shards.map(async ({ name }) =>
        (await this.clients.primary(target, this.id.keyspace, name)).workflows({ workflow: this.id.workflow }),
      ),
    );
    const found = {
      journal,
      record,
      streams: streams.flat(),
      target: { sharded: vschema.sharded, cells, shards: shards.map(({ name, keyRange }) => ({ name, keyRange })) },
    };
    this.refuse(found);
    return found;
  }

  private refuse({ journal, streams }: Found): void {
    const place = this.clients.target.place({ keyspace: this.id.keyspace });
    const some = streams.some((shard) => shard.streams.length > 0);
    if (journal === undefined && !some)
      throw new MigrationError(
        'NOTHING_TO_ADOPT',
        `nothing of ${formatIdentifier(this.id)} is in the cluster: it has no journal and no streams`,
        place,
        `what else is there says vtmigrate Audit ${this.id.keyspace}`,
      );
    const { mount, keyspace } = some ? sourceOfStreams(this.id, streams) : parseSourceIdentifier(journal?.source ?? '');
    if (`${mount}.${keyspace}` !== this.request.source)
      throw new MigrationError(
        'NOT_ADOPTABLE',
        `${formatIdentifier(this.id)} comes from ${mount}.${keyspace}, not from ${this.request.source}`,
        place,
        `give ${mount}.${keyspace} as its source`,
      );
    if (journal !== undefined && !this.completes) refusePastNoReturn(journal, place);
  }

  /** Of a migration without a record: an earlier version's, or `vtctldclient`'s. */
  private async plan({ journal, streams, target }: Found): Promise<Plan> {
    if (streams.some((shard) => shard.streams.length > 0)) {
      const { mount } = sourceOfStreams(this.id, streams);
      // Cancel needs nothing of the source, which may be gone.
      return planOfStreams(
        this.id,
        target,
        streams,
        this.completes ? await (await this.clients.source(mount)).cells() : [],
      );
    }
    const lists = [journal?.deniedTables ?? {}, journal?.createdTables ?? {}].flatMap((byShard) =>
      Object.values(byShard).flat(),
    );
    const source = parseSourceIdentifier(this.request.source);
    return barePlan(
      this.id,
      target,
      { ...source, shards: Object.keys(journal?.positions ?? {}), tables: [...new Set(lists)].sort() },
      [],
    );
  }

  private async next(found: Found, plan: Plan): Promise<Adoption['next']> {
    if (found.journal?.forward === true) return 'forward';
    if (!this.completes) return 'copy';
    const all = found.streams.flatMap((shard) => shard.streams);
    const begun =
      all.some((stream) => stream.position !== '' || stream.state !== 'Stopped') || (await this.anyRow(plan));
    const expected = plan.target.shards.length * plan.source.shards.length;
    return nextStep(
      { expected, found: all.length, begun },
      plan.stream.autoStart,
      found.record !== undefined,
      this.clients.target.place({ keyspace: this.id.keyspace }),
    );
  }

  private async anyRow(plan: Plan): Promise<boolean> {
    for (const { name } of plan.target.shards) {
      const tablet = await this.clients.primary(this.clients.target, this.id.keyspace, name);
      const present = await tablet.tableNames();
      const names = plan.tables.map((each) => each.name).filter((table) => present.includes(table));
      if ((await tablet.nonEmptyTables(names)).length > 0) return true;
    }
    return false;
  }

  /**
   * What `vtctldclient` has made, as far as it can be known: the tables that its own cancel would drop,
   * their denied-table entries, and VSchema entries as empty as it writes them on an unsharded target.
   */
  private async made({ target }: Found, plan: Plan): Promise<Partial<Journal>> {
    const names = plan.tables.map((table) => table.name);
    const vschema = await this.clients.target.vschema(this.id.keyspace);
    const others = await listJournals(this.clients.target, this.id.keyspace);
    const isBlank = (name: string) =>
      Object.hasOwn(vschema.tables, name) &&
      vschema.tables[name] !== undefined &&
      toBinary(TableSchema, vschema.tables[name]).length === 0;
    const made = {
      streams: true,
      createdTables: {} as Record<string, string[]>,
      deniedTables: {} as Record<string, string[]>,
      vschemaTables: target.sharded ? [] : names.filter(isBlank),
    };
    for (const { name: shard } of target.shards) {
      const tablet = await this.clients.primary(this.clients.target, this.id.keyspace, shard);
      const denied = deniedTables(await this.clients.target.shard(this.id.keyspace, shard));
      made.createdTables[shard] = (await tablet.tableNames()).filter((table) => names.includes(table));
      made.deniedTables[shard] = names.filter(
        (name) => denied.includes(name) && !others.some(({ journal }) => journal.deniedTables[shard]?.includes(name)),
      );
    }
    return made;
  }

  private get completes(): boolean {
    return this.request.adopt === 'complete';
  }
}
