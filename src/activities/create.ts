import { deniedTables as deniedTablesEffect } from '../effects/denied-tables.js';
import type { Journal } from '../effects/journal.js';
import { sourceOf } from '../effects/source/open-source.js';
import type { Source } from '../effects/source/source.js';
import { streams } from '../effects/streams.js';
import { readHolders } from '../effects/table-holders.js';
import { targetTables } from '../effects/target-tables.js';
import type { CreateReport } from '../migration/lifecycle/status.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import type { TargetShard } from '../effects/context.js';
import { sideBySide } from '../effects/side-by-side.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import { heldTable, tableNames, targetPlace, type Plan } from '../migration/plan/plan.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Definitions } from '../migration/proof/drift.js';
import { quoteName } from '../migration/sql/quote.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { deniedTables } from '../vitess/topology/shard-record.js';
import type { Pace } from './step/pace.js';
import { lockedStep, type LockedStep } from './step/step.js';

/** The step Create: denied tables, target tables, streams. */
export function createActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Brings the target to the state the plan describes, from whatever an earlier attempt left.
     * @throws WORKFLOW_EXISTS, MIGRATION_EXISTS, TABLE_DENIED, TARGET_TABLE_NOT_EMPTY, DDL_REFUSED, LOCKED
     */
    async create(ref: MigrationRef): Promise<void> {
      await lockedStep(clients, ref, 'vtmigrate create', (step, tell) =>
        pace.creating(tell, async () => {
          const plan = await step.plan();
          await new Creation(step, plan, await sourceOf(clients, plan), tell).run();
        }),
      );
    },
  };
}

class Creation {
  constructor(
    private readonly step: LockedStep,
    private readonly plan: Plan,
    private readonly source: Source,
    private readonly tell: (report: CreateReport) => void,
  ) {}

  async run(): Promise<void> {
    const { step, plan, source } = this;
    const { runId } = step.ref;
    const shards = await this.targetShards();
    const journal = await step.journals.require(runId);
    await sideBySide(shards, (shard) => this.refuseForeignStreams(journal, shard));
    // Of two migrations that want a table, the second to get here finds it denied, and its holder's journal.
    await step.underKeyspaceLock(async (lock) => {
      await sideBySide(shards, (shard) => this.refuseForeignTables(journal, shard));
      await deniedTablesEffect.make(step, lock, plan);
    });
    const definitions = await this.sourceDefinitions();
    await step.beforeEffect();
    await step.journals.writeDefinitions(runId, definitions);
    const of = shards.length * plan.tables.length;
    await targetTables.make(step, plan, shards, definitions, (tables) => this.tell({ tables, of }));
    await deniedTablesEffect.refresh(
      step,
      shards.map(({ shard }) => shard.name),
    );
    await this.requireEmptyTables(shards);
    await streams.make(step, plan, source, shards);
    if (!plan.stream.autoStart) return;
    const { copyHours } = await step.input();
    await sideBySide(shards, ({ tablet }) => streams.start(step, plan, tablet, copyHours));
  }

  private targetShards(): Promise<TargetShard[]> {
    const { clients } = this.step;
    const { keyspace, shards } = this.plan.target;
    return sideBySide(shards, async (shard) => ({
      shard,
      tablet: await clients.primary(clients.target, keyspace, shard.name),
    }));
  }

  private async refuseForeignStreams(journal: Journal, { shard, tablet }: TargetShard): Promise<void> {
    if (journal.streams) return;
    const [found] = await tablet.streams(workflowsOf(this.plan));
    if (found === undefined) return;
    throw new MigrationError(
      'WORKFLOW_EXISTS',
      `a workflow named ${found.workflow} already exists`,
      this.place(shard, tablet),
      'choose another name, or finish that workflow with the program that made it',
    );
  }

  /** Preflight has looked as well, but without the lock: another Create may have come in between. */
  private async refuseForeignTables(journal: Journal, { shard, tablet }: TargetShard): Promise<void> {
    const { clients } = this.step;
    const { keyspace } = this.plan.target;
    const own = new Set(journal.deniedTables[shard.name]);
    const denied = new Set(deniedTables(await clients.target.shard(keyspace, shard.name)));
    const names = tableNames(this.plan);
    const holders = await readHolders(clients, this.plan.target, shard.name, tablet, names);
    const taken = names.find((name) => Object.hasOwn(holders, name) || (denied.has(name) && !own.has(name)));
    if (taken === undefined) return;
    const { message, remedy } = heldTable(taken, holders[taken], keyspace);
    throw new MigrationError('TABLE_DENIED', message, { ...this.place(shard, tablet), table: taken }, remedy);
  }

  /** The definitions of the first source shard; preflight has compared those of all shards. @throws TABLE_NOT_FOUND */
  private async sourceDefinitions(): Promise<Definitions> {
    const { source, plan } = this;
    const names = tableNames(plan);
    const byShard = await source.definitions(names);
    for (const [shard, definitions] of Object.entries(byShard)) {
      const dropped = names.find((name) => !Object.hasOwn(definitions, name));
      if (dropped === undefined) continue;
      throw new MigrationError(
        'TABLE_NOT_FOUND',
        `table ${quoteName(dropped)} has been dropped since the plan was made`,
        source.place({ shard, table: dropped }),
        'create the migration again',
      );
    }
    return Object.values(byShard)[0] ?? {};
  }

  /** Makes sure that no table has rows before the copy begins. */
  private async requireEmptyTables(shards: readonly TargetShard[]): Promise<void> {
    // Once there may be streams of this migration, the rows in the tables come from them.
    if ((await this.step.journals.require(this.step.ref.runId)).streams) return;
    await sideBySide(shards, async ({ shard, tablet }) => {
      const [table] = await tablet.nonEmptyTables(tableNames(this.plan));
      if (table === undefined) return;
      throw new MigrationError(
        'TARGET_TABLE_NOT_EMPTY',
        `table ${quoteName(table)} has rows`,
        { ...this.place(shard, tablet), table },
        'empty or drop it, or leave it out with -exclude',
      );
    });
  }

  private place(shard: ShardFacts, tablet: TabletHandle) {
    return targetPlace(this.plan, { shard: shard.name, tablet: tablet.alias });
  }
}
