import { targetPlace, tableNames, type Plan } from '../migration/plan/plan.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Definitions } from '../migration/proof/drift.js';
import { hasKeys } from '../migration/sql/keys.js';
import { quoteName } from '../migration/sql/quote.js';
import { hasRowKey, parseDefinition } from '../migration/sql/table-definition.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import type { EffectContext } from './context.js';
import { addTo } from './journal.js';

/** The target's tables that a migration creates, with the source's definitions. */
export const targetTables = {
  /** Creates those of the plan's tables that a shard lacks. @throws MigrationError DDL_REFUSED */
  async make(
    context: EffectContext,
    plan: Plan,
    shard: string,
    tablet: TabletHandle,
    definitions: Definitions,
  ): Promise<void> {
    const existing = new Set(await tablet.tableNames());
    const missing = tableNames(plan).filter((name) => !existing.has(name));
    if (missing.length === 0) return;
    await context.beforeEffect();
    await context.journals.update(context.ref.runId, (record) => addTo(record.createdTables, shard, missing));
    for (const name of missing) {
      await context.beforeEffect();
      await createTable(plan, shard, tablet, name, definitions[name] ?? '');
    }
  },

  /**
   * Takes back what was copied of some tables on a shard. Those that the migration created are dropped; one that was
   * there before is as it was: empty, and with its secondary keys, which the copy may have deferred.
   * @param created the tables of this shard that the journal says were created
   */
  async takeBack(
    context: EffectContext,
    { tablet, workflows }: { tablet: TabletHandle; workflows: readonly string[] },
    tables: readonly string[],
    created: readonly string[],
  ): Promise<void> {
    const ids = (await tablet.streams(workflows)).map(({ id }) => id);
    const deferred = ids.length === 0 ? [] : await tablet.deferredKeys(ids, tables);
    const present = new Set(await tablet.tableNames());
    const there = tables.filter((name) => present.has(name));
    const filled = await tablet.nonEmptyTables(there.filter((name) => !created.includes(name)));
    for (const table of there) {
      await context.beforeEffect();
      if (created.includes(table)) {
        await tablet.dropTable(table);
        continue;
      }
      if (filled.includes(table)) await tablet.emptyTable(table);
      for (const { statement } of deferred.filter((keys) => keys.table === table))
        await buildKeys(context, tablet, table, statement);
    }
    if (deferred.length === 0) return;
    await context.beforeEffect();
    await tablet.deleteDeferredKeys(ids, tables);
  },

  /**
   * Takes back everything: see `takeBack`. The streams must be stopped, and not deleted yet.
   * @param created the tables that the journal says were created, by shard
   * @param copied the tables that streams may have filled; Create has found them empty
   */
  async undo(
    context: EffectContext,
    workflows: readonly string[],
    created: Record<string, string[]>,
    copied: readonly string[],
  ): Promise<void> {
    const { clients, ref } = context;
    const serving = copied.length === 0 ? [] : await clients.target.servingShards(ref.id.keyspace);
    for (const shard of new Set([...Object.keys(created), ...serving.map(({ name }) => name)])) {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, shard);
      const own = created[shard] ?? [];
      await this.takeBack(context, { tablet, workflows }, [...new Set([...own, ...copied])], own);
    }
  },
};

/** A statement that has been carried out already has built all of its keys. */
async function buildKeys(context: EffectContext, tablet: TabletHandle, table: string, statement: string) {
  const [now] = await tablet.tables([table]);
  if (now === undefined || hasKeys(now.ddl, statement)) return;
  await context.beforeEffect();
  await tablet.alterTable(statement);
}

async function createTable(plan: Plan, shard: string, tablet: TabletHandle, table: string, ddl: string): Promise<void> {
  try {
    await tablet.applySchema(ddl, { keyless: !hasRowKey(parseDefinition(ddl)) });
  } catch (error) {
    if ((await tablet.tables([table])).length > 0) return;
    if (!(error instanceof MigrationError) || error.code === 'TABLET_UNREACHABLE') throw error;
    throw new MigrationError(
      'DDL_REFUSED',
      `table ${quoteName(table)} cannot be created with the source's definition (${error.what})`,
      targetPlace(plan, { shard, tablet: tablet.alias, table }),
      'create it on the target by hand with a definition that fits, and create the migration again',
      { cause: error },
    );
  }
}
