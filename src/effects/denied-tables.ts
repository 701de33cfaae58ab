import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import { allowTables, deniedTables as deniedTablesOf, denyTables } from '../vitess/topology/shard-record.js';
import type { KeyspaceLock } from '../vitess/topology/lock.js';
import type { EffectContext } from './context.js';
import { addTo } from './journal.js';
import { sideBySide } from './side-by-side.js';
import { refreshShard } from './refresh-shard.js';

/** The entries that keep applications away from the target's tables until Complete. */
export const deniedTables = {
  describe({ plan, target }: Description): TopologyWrite[] {
    return plan.target.shards.map(({ name }) => ({
      cluster: 'target',
      key: `${target.global}/keyspaces/${plan.target.keyspace}/shards/${name}/Shard`,
      what: 'denied tables, from Create to the end',
    }));
  },

  /**
   * Denies the plan's tables on its shards. The tablets read that when they are refreshed, and deny the tables that
   * they have then: the step refreshes them once all tables are there.
   */
  async make(context: EffectContext, lock: KeyspaceLock, plan: Plan): Promise<void> {
    const { clients, ref, journals } = context;
    const found = await sideBySide(plan.target.shards, async ({ name }) => {
      const before = new Set(deniedTablesOf(await clients.target.shard(ref.id.keyspace, name)));
      return { shard: name, tables: tableNames(plan).filter((table) => !before.has(table)) };
    });
    const missing = found.filter(({ tables }) => tables.length > 0);
    if (missing.length === 0) return;
    await context.beforeEffect();
    await journals.update(ref.runId, (record) => {
      for (const { shard, tables } of missing) addTo(record.deniedTables, shard, tables);
    });
    await sideBySide(missing, async ({ shard, tables }) => {
      await context.beforeEffect();
      await denyTables(lock, clients.target, shard, tables);
    });
  },

  /** Removes entries, by target shard. The tablets deny until they are refreshed. Entries that are gone are fine. */
  async undo(context: EffectContext, lock: KeyspaceLock, denied: Record<string, string[]>): Promise<void> {
    await sideBySide(Object.entries(denied), async ([shard, tables]) => {
      await context.beforeEffect();
      await allowTables(lock, context.clients.target, shard, tables);
    });
  },

  /** Makes the tablets of shards enforce what their records say. */
  async refresh({ clients, ref }: EffectContext, shards: readonly string[]): Promise<void> {
    await sideBySide(shards, (shard) => refreshShard(clients, clients.target, ref.id.keyspace, shard));
  },
};
