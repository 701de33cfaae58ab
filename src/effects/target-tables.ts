import { targetPlace, tableNames, type Plan } from '../migration/plan/plan.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Definitions } from '../migration/proof/drift.js';
import { quoteName } from '../migration/sql/quote.js';
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

  /** Drops the tables that the journal says were created, by shard. Tables that are gone already are fine. */
  async undo(context: EffectContext, created: Record<string, string[]>): Promise<void> {
    const { clients, ref } = context;
    for (const [shard, tables] of Object.entries(created)) {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, shard);
      for (const table of tables) {
        await context.beforeEffect();
        await tablet.dropTable(table);
      }
    }
  },
};

async function createTable(plan: Plan, shard: string, tablet: TabletHandle, table: string, ddl: string): Promise<void> {
  try {
    await tablet.applySchema(ddl);
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
