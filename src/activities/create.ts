import type { MigrationRef } from '../migration/lifecycle/reference.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { MigrationError } from '../migration/problem/errors.js';
import type { Definitions } from '../migration/proof/drift.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import { heldTable, streamsOf, type Plan } from '../migration/plan/plan.js';
import { quoteName } from '../migration/sql/quote.js';
import type { Clients } from '../vitess/clients.js';
import { denyTables, deniedTables } from '../vitess/topology/shard-record.js';
import { JournalStore, planOf, type Journal } from '../effects/journal.js';
import { withMigrationLocks, type MigrationLocks } from '../vitess/topology/lock.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { OnDDLAction, VReplicationWorkflowType } from '../vitess/wire/binlogdata_pb.js';
import {
  TabletSelectionPreference,
  type CreateVReplicationWorkflowRequestSchema,
} from '../vitess/wire/tabletmanagerdata_pb.js';
import { TabletType } from '../vitess/wire/topodata_pb.js';
import { readSourceDefinitions } from '../effects/definitions.js';
import { withHeartbeat } from './step/heartbeat.js';
import { readHolders } from '../effects/table-holders.js';
import { addTo, refreshShard } from '../effects/refresh-shard.js';

/** The step Create: denied tables, target tables, streams. All under the locks Vitess takes. */
export function createActivities(clients: Clients) {
  return {
    /**
     * Brings the target to the state the plan describes, from whatever an earlier attempt left.
     * @throws WORKFLOW_EXISTS, MIGRATION_EXISTS, TABLE_DENIED, TARGET_TABLE_NOT_EMPTY, DDL_REFUSED, LOCKED
     */
    async create(ref: MigrationRef): Promise<void> {
      const { runId } = ref;
      const plan = await planOf(clients, ref);
      await withHeartbeat((stopIfCancelled) =>
        withMigrationLocks(clients.target, plan.target, 'vtmigrate create', async (locks) => {
          const creation = new Creation(clients, locks, plan, runId, async () => {
            stopIfCancelled();
            await locks.check();
          });
          await creation.run();
        }),
      );
    },
  };
}

class Creation {
  private readonly journals: JournalStore;

  constructor(
    private readonly clients: Clients,
    private readonly locks: MigrationLocks,
    private readonly plan: Plan,
    private readonly runId: string,
    private readonly beforeEffect: () => Promise<void>,
  ) {
    this.journals = new JournalStore(clients.target, plan.target);
  }

  async run(): Promise<void> {
    const tablets = await Promise.all(
      this.plan.target.shards.map(async (shard) => ({ shard, tablet: await this.primary(shard) })),
    );
    const known = await this.journals.read();
    for (const { shard, tablet } of tablets) {
      await this.refuseForeignStreams(known, shard, tablet);
      await this.refuseForeignTables(known, shard, tablet);
    }
    const definitions = await this.sourceDefinitions();
    await this.beforeEffect();
    await this.journals.writeDefinitions(this.runId, definitions);
    for (const { shard, tablet } of tablets) {
      // A tablet denies the tables it has at the moment it reads its shard record: once for those
      // that are there, once more for those made here. Then nobody can put a row where the copy goes.
      await this.deny(shard);
      await this.createTables(shard, tablet, definitions);
      await this.refresh(shard);
      await this.requireEmptyTables(shard, tablet);
    }
    for (const { shard, tablet } of tablets) await this.createStreams(shard, tablet);
    if (this.plan.stream.autoStart) for (const { tablet } of tablets) await this.start(tablet);
  }

  private async refuseForeignStreams(
    journal: Journal | undefined,
    shard: ShardFacts,
    tablet: TabletHandle,
  ): Promise<void> {
    const ours = journal?.runId === this.runId && journal.streams;
    if (ours || (await tablet.streams(this.plan.target.workflow)).length === 0) return;
    throw new MigrationError(
      'WORKFLOW_EXISTS',
      `a workflow named ${this.plan.target.workflow} already exists`,
      this.place(shard, tablet),
      'choose another name, or finish that workflow with the program that made it',
    );
  }

  /** Preflight has looked as well, but without the lock: another Create may have come in between. */
  private async refuseForeignTables(
    journal: Journal | undefined,
    shard: ShardFacts,
    tablet: TabletHandle,
  ): Promise<void> {
    const own = journal?.runId === this.runId ? (journal.deniedTables[shard.name] ?? []) : [];
    const denied = deniedTables(await this.clients.target.shard(this.plan.target.keyspace, shard.name));
    const names = this.plan.tables.map((table) => table.name);
    const holders = await readHolders(this.clients, this.plan.target, shard.name, tablet, names);
    const taken = names.find((name) => Object.hasOwn(holders, name) || (denied.includes(name) && !own.includes(name)));
    if (taken === undefined) return;
    const { message, remedy } = heldTable(taken, holders[taken], this.plan.target.keyspace);
    throw new MigrationError('TABLE_DENIED', message, { ...this.place(shard, tablet), table: taken }, remedy);
  }

  private async deny(shard: ShardFacts): Promise<void> {
    const { keyspace } = this.plan.target;
    const names = this.plan.tables.map((table) => table.name);
    const before = deniedTables(await this.clients.target.shard(keyspace, shard.name));
    const missing = names.filter((table) => !before.includes(table));
    if (missing.length > 0) {
      await this.record((journal) => addTo(journal.deniedTables, shard.name, missing));
      await denyTables(this.locks, this.clients.target, shard.name, missing);
    }
    // Also when nothing was missing: an earlier attempt may have ended before this line.
    await this.refresh(shard);
  }

  private refresh(shard: ShardFacts): Promise<void> {
    return refreshShard(this.clients, this.clients.target, this.plan.target.keyspace, shard.name);
  }

  private async createTables(shard: ShardFacts, tablet: TabletHandle, definitions: Definitions): Promise<void> {
    const existing = new Set(await tablet.tableNames());
    const missing = this.plan.tables.map((table) => table.name).filter((name) => !existing.has(name));
    if (missing.length === 0) return;
    await this.record((journal) => addTo(journal.createdTables, shard.name, missing));
    for (const name of missing) await this.createTable(shard, tablet, name, definitions[name] ?? '');
  }

  private async createTable(shard: ShardFacts, tablet: TabletHandle, name: string, ddl: string): Promise<void> {
    await this.beforeEffect();
    try {
      await tablet.applySchema(ddl);
    } catch (error) {
      if ((await tablet.tables([name])).length > 0) return;
      if (!(error instanceof MigrationError) || error.code === 'TABLET_UNREACHABLE') throw error;
      throw new MigrationError(
        'DDL_REFUSED',
        `table ${quoteName(name)} cannot be created with the source's definition (${error.what})`,
        { ...this.place(shard, tablet), table: name },
        'create it on the target by hand with a definition that fits, and create the migration again',
        { cause: error },
      );
    }
  }

  /** The definitions of the source's tables, from a source primary. @throws TABLE_NOT_FOUND */
  private async sourceDefinitions(): Promise<Definitions> {
    const { mount, keyspace } = this.plan.source;
    const definitions = await readSourceDefinitions(this.clients, this.plan);
    const dropped = this.plan.tables.find(({ name }) => !Object.hasOwn(definitions, name));
    if (dropped === undefined) return definitions;
    throw new MigrationError(
      'TABLE_NOT_FOUND',
      `table ${quoteName(dropped.name)} has been dropped since the plan was made`,
      { cluster: mount, keyspace, table: dropped.name },
      'create the migration again',
    );
  }

  private async requireEmptyTables(shard: ShardFacts, tablet: TabletHandle): Promise<void> {
    // Once there may be streams of ours, what is in the tables comes from them.
    if ((await this.journals.require(this.runId)).streams) return;
    const [table] = await tablet.nonEmptyTables(this.plan.tables.map(({ name }) => name));
    if (table === undefined) return;
    throw new MigrationError(
      'TARGET_TABLE_NOT_EMPTY',
      `table ${quoteName(table)} has rows`,
      { ...this.place(shard, tablet), table },
      'empty or drop it, or leave it out with -exclude',
    );
  }

  private async createStreams(shard: ShardFacts, tablet: TabletHandle): Promise<void> {
    const present = new Set((await tablet.streams(this.plan.target.workflow)).map((stream) => stream.sourceShard));
    const missing = streamsOf(this.plan, shard).filter((stream) => !present.has(stream.sourceShard));
    if (missing.length === 0) return;
    await this.record((journal) => {
      journal.streams = true;
    });
    // One call for each: a call with several inserts them one by one and may end half-way.
    for (const stream of missing) await tablet.createStreams(streamRequest(this.plan, stream));
  }

  private async start(tablet: TabletHandle): Promise<void> {
    const streams = await tablet.streams(this.plan.target.workflow);
    // A start that failed half-way leaves a stream that says Running and does nothing.
    if (!streams.some((stream) => stream.position === '')) return;
    await this.beforeEffect();
    await tablet.setStreamState(this.plan.target.workflow, 'Running');
  }

  private async record(change: (journal: Journal) => void): Promise<void> {
    await this.beforeEffect();
    await this.journals.update(this.runId, change);
  }

  private primary(shard: ShardFacts): Promise<TabletHandle> {
    return this.clients.primary(this.clients.target, this.plan.target.keyspace, shard.name);
  }

  private place(shard: ShardFacts, tablet: TabletHandle) {
    return this.clients.target.place({ keyspace: this.plan.target.keyspace, shard: shard.name, tablet: tablet.alias });
  }
}

/** The call that inserts one Stopped stream of type Migrate, as `vtctldclient Migrate create` makes it. */
function streamRequest(
  plan: Plan,
  stream: ReturnType<typeof streamsOf>[number],
): MessageInitShape<typeof CreateVReplicationWorkflowRequestSchema> {
  return {
    workflow: plan.target.workflow,
    binlogSource: [
      {
        keyspace: plan.source.keyspace,
        shard: stream.sourceShard,
        filter: { rules: stream.rules },
        onDdl: OnDDLAction[plan.stream.onDdl],
        stopAfterCopy: plan.stream.stopAfterCopy,
        externalCluster: plan.source.mount,
      },
    ],
    cells: plan.source.cells,
    tabletTypes: plan.stream.tabletTypes.map((type) => TabletType[type]),
    tabletSelectionPreference: plan.stream.tabletTypesInPreferenceOrder
      ? TabletSelectionPreference.INORDER
      : TabletSelectionPreference.ANY,
    workflowType: VReplicationWorkflowType.Migrate,
    deferSecondaryKeys: plan.stream.deferSecondaryKeys,
    autoStart: plan.stream.autoStart,
    stopAfterCopy: plan.stream.stopAfterCopy,
    options: '{}',
  };
}
