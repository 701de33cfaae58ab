import { parseSourceIdentifier } from '../migration/input/identifier.js';
import { namesAmong } from '../migration/plan/leaving.js';
import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import type { EffectContext } from './context.js';
import { addTo, type Journal } from './journal.js';
import { sideBySide } from './side-by-side.js';
import { openSource } from './source/open-source.js';
import type { LockedSource, Source } from './source/source.js';

const action = 'vtmigrate fence';

/**
 * Denied tables on the source's shards: what keeps its applications from writing while Complete proves that the
 * target has everything (docs/adr/0009). Vitess's `SwitchTraffic` denies writes the same way.
 */
export const fence = {
  describe({ plan, request, source }: Description): TopologyWrite[] {
    if (!request.fenceSource) return [];
    return plan.source.shards.map(({ name }) => ({
      cluster: plan.source.mount,
      key: `${source.global}/keyspaces/${plan.source.keyspace}/shards/${name}/Shard`,
      what: 'denied tables, from Complete on',
    }));
  },

  /** Denies the plan's tables on every source shard. Entries that were there before are not ours and stay. */
  async make(context: EffectContext, source: Source, plan: Plan): Promise<void> {
    await context.beforeEffect();
    const missing = await missingOn(source, tableNames(plan));
    if (missing.length === 0) return refreshAll(source);
    // Under the lock: who may not have it must not owe to take down what was never put up.
    await underLock(context, source, async (locked) => {
      await context.journals.update(context.ref.runId, (record) => {
        for (const [shard, tables] of missing) {
          addTo(record.fencedTables, shard, tables);
          record.refusedSince[shard] ??= Date.now();
        }
      });
      await sideBySide(missing, ([shard, tables]) => locked.deny(shard, tables));
      await refreshAll(source);
    });
  },

  /** True when every table of the plan is denied on every source shard. */
  async stands(source: Source, plan: Plan): Promise<boolean> {
    const denied = await Promise.all(source.shards.map((shard) => source.deniedTables(shard)));
    return denied.every((tables) => tableNames(plan).every((table) => tables.includes(table)));
  },

  /** Takes down what the journal says was put up, and nothing else. @throws MigrationError MOUNT_NOT_FOUND */
  async undo(context: EffectContext): Promise<void> {
    const journal = await context.journals.read();
    if (journal === undefined) return;
    const source = await sourceOfFence(context, journal);
    if (source === undefined) return;
    for (const [shard, tables] of Object.entries(journal.fencedTables)) {
      await context.beforeEffect();
      await underLock(context, source, (locked) => locked.allow(shard, tables));
      await allowed(context, source, shard, tables);
    }
  },

  /** Takes down what the journal says was put up around some tables. @throws MigrationError MOUNT_NOT_FOUND */
  async undoAround(context: EffectContext, only: readonly string[]): Promise<void> {
    const journal = await context.journals.require(context.ref.runId);
    const fencedTables = namesAmong(journal.fencedTables, only);
    const source = await sourceOfFence(context, { ...journal, fencedTables });
    if (source === undefined) return;
    for (const [shard, tables] of Object.entries(fencedTables)) {
      for (const table of tables) await fence.undoTable(context, source, shard, table);
    }
  },

  /** `undo` for a caller that holds the lock of the source keyspace. */
  async undoUnderLock(context: EffectContext, source: Source, locked: LockedSource): Promise<void> {
    const { fencedTables } = await context.journals.require(context.ref.runId);
    for (const [shard, tables] of Object.entries(fencedTables)) {
      await context.beforeEffect();
      await locked.allow(shard, tables);
      await allowed(context, source, shard, tables);
    }
  },

  /** Takes down the fence around one table of a source shard. */
  async undoTable(context: EffectContext, source: Source, shard: string, table: string): Promise<void> {
    await underLock(context, source, (locked) => locked.allow(shard, [table]));
    await allowed(context, source, shard, [table]);
  },
};

/** By source shard: those of the tables that it does not deny; no shard that denies all of them. */
async function missingOn(source: Source, names: readonly string[]): Promise<[shard: string, tables: string[]][]> {
  const found = source.shards.map(async (shard): Promise<[string, string[]]> => {
    const before = new Set(await source.deniedTables(shard));
    return [shard, names.filter((table) => !before.has(table))];
  });
  return (await Promise.all(found)).filter(([, tables]) => tables.length > 0);
}

async function refreshAll(source: Source): Promise<void> {
  await sideBySide(source.shards, (shard) => source.refresh(shard));
}

/** The source with the shards of a journal's fence; undefined without a fence. */
async function sourceOfFence(context: EffectContext, journal: Journal): Promise<Source | undefined> {
  const shards = Object.keys(journal.fencedTables);
  if (shards.length === 0) return undefined;
  return openSource(context.clients, { ...parseSourceIdentifier(journal.source), shards });
}

function underLock(
  context: EffectContext,
  source: Source,
  change: (locked: LockedSource) => Promise<void>,
): Promise<void> {
  return source.withLock(action, async (locked) => {
    await context.beforeEffect();
    await locked.check();
    await change(locked);
  });
}

/** Makes the tablets read the record, and takes the tables out of the journal. */
async function allowed(context: EffectContext, source: Source, shard: string, tables: readonly string[]) {
  await source.refresh(shard);
  await context.journals.update(context.ref.runId, (record) => {
    const left = (record.fencedTables[shard] ?? []).filter((table) => !tables.includes(table));
    const others = Object.entries(record.fencedTables).filter(([name]) => name !== shard);
    record.fencedTables = Object.fromEntries(left.length === 0 ? others : [...others, [shard, left]]);
    if (left.length > 0) return;
    record.refusedSince = Object.fromEntries(Object.entries(record.refusedSince).filter(([name]) => name !== shard));
  });
}
