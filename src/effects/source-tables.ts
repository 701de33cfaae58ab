import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import type { Problem } from '../migration/problem/errors.js';
import { retiredName } from '../migration/proof/source-tables.js';
import type { EffectContext } from './context.js';
import { batchesOf, Loading } from './many-tables.js';
import type { LockedSource, Source } from './source/source.js';

/** The source's own tables, renamed or dropped once the target serves them. */
export const sourceTables = {
  describe({ plan, request, source }: Description): TopologyWrite[] {
    if (request.sourceTables === 'keep') return [];
    const { mount, keyspace } = plan.source;
    const keys = [
      `${source.global}/keyspaces/${keyspace}/VSchema`,
      ...Object.values(source.cells).map((root) => `${root}/SrvVSchema`),
    ];
    return keys.map((key) => ({
      cluster: mount,
      key,
      what: 'entries removed, after Complete, unless it lacks the tables already',
    }));
  },

  /**
   * Renames the tables to the names that MoveTables gives retired ones (`_<table>_old`): from then on no
   * application writes to them, and what was written until then can be looked for.
   */
  async make(context: EffectContext, source: Source, plan: Plan): Promise<void> {
    await context.beforeEffect();
    await context.journals.update(context.ref.runId, (record) => {
      record.sourceRenamed = true;
    });
    await renameAll(context, source, tableNames(plan), (table) => [table, retiredName(table)]);
  },

  /** Gives the tables their names back, also those that an attempt that was cut off has renamed. */
  async undo(context: EffectContext, source: Source, plan: Plan): Promise<void> {
    if (!(await context.journals.require(context.ref.runId)).sourceRenamed) return;
    await renameAll(context, source, tableNames(plan), (table) => [retiredName(table), table]);
  },

  /** Drops the renamed tables. This cannot be undone. */
  async drop(context: EffectContext, source: Source, plan: Plan): Promise<void> {
    for (const shard of source.shards)
      await inBatches(context, source, shard, tableNames(plan).map(retiredName), (batch) =>
        source.dropTables(shard, batch),
      );
  },

  /** Removes the tables from the source's VSchema. Answers what still shows them, as warnings. */
  async forget(context: EffectContext, locked: LockedSource, plan: Plan): Promise<Problem[]> {
    await context.beforeEffect();
    return locked.forgetTables(tableNames(plan));
  },
};

async function renameAll(
  context: EffectContext,
  source: Source,
  tables: readonly string[],
  names: (table: string) => [from: string, to: string],
): Promise<void> {
  for (const shard of source.shards) {
    const present = new Set(await source.tableNames(shard));
    const renamings = tables.map(names).filter(([from, to]) => {
      if (!present.has(from) || present.has(to)) return false;
      present.delete(from);
      present.add(to);
      return true;
    });
    await inBatches(context, source, shard, renamings, (batch) => source.renameTables(shard, batch));
  }
}

/** Changes tables of a shard, many in one call, and makes its primary load them. */
async function inBatches<T>(
  context: EffectContext,
  source: Source,
  shard: string,
  tables: readonly T[],
  change: (batch: T[]) => Promise<void>,
): Promise<void> {
  const loading = new Loading(() => source.reloadSchema(shard));
  for (const batch of batchesOf(tables)) {
    await loading.before(batch.length);
    await context.beforeEffect();
    await change(batch);
  }
  await loading.end();
}
