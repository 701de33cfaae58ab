import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import { allowTables, deniedTables as deniedTablesOf, denyTables } from '../vitess/topology/shard-record.js';
import type { EffectContext } from './context.js';
import { addTo } from './journal.js';
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
   * Denies the plan's tables on a shard and makes its tablets read that. A tablet denies the tables it has at that
   * moment, so a step that creates tables afterwards refreshes once more.
   */
  async make(context: EffectContext, plan: Plan, shard: string): Promise<void> {
    const { clients, ref, journals } = context;
    const before = deniedTablesOf(await clients.target.shard(ref.id.keyspace, shard));
    const missing = tableNames(plan).filter((table) => !before.includes(table));
    if (missing.length > 0) {
      await context.beforeEffect();
      await journals.update(ref.runId, (record) => addTo(record.deniedTables, shard, missing));
      await denyTables(context.locks, clients.target, shard, missing);
    }
    // Also when nothing was missing: an earlier attempt may have ended before this line.
    await refreshShard(clients, clients.target, ref.id.keyspace, shard);
  },

  /** Removes entries, by target shard, and makes the tablets read that. Entries that are gone already are fine. */
  async undo(context: EffectContext, denied: Record<string, string[]>): Promise<void> {
    const { clients, ref } = context;
    for (const [shard, tables] of Object.entries(denied)) {
      await context.beforeEffect();
      await allowTables(context.locks, clients.target, shard, tables);
      await refreshShard(clients, clients.target, ref.id.keyspace, shard);
    }
  },
};
