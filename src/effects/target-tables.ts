import { targetPlace, tableNames, type Plan } from '../migration/plan/plan.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Definitions } from '../migration/proof/drift.js';
import { hasKeys } from '../migration/sql/keys.js';
import { quoteName } from '../migration/sql/quote.js';
import { hasRowKey, parseDefinition } from '../migration/sql/table-definition.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import type { EffectContext, TargetShard } from './context.js';
import { addTo } from './journal.js';
import { batchesOf, Loading } from './many-tables.js';
import { sideBySide } from './side-by-side.js';

/**
 * Bounds of one call that creates tables. It has a minute, and a disk that needs a tenth of a second for each is slow.
 * MySQL takes more in one packet unless somebody has made `max_allowed_packet` smaller than a megabyte.
 */
const atOnce = 100;
const charactersAtOnce = 200_000;

/** The target's tables that a migration creates, with the source's definitions. */
export const targetTables = {
  /**
   * Creates those of the plan's tables that shards lack, many in one call, and makes their tablets know them.
   * @param tell hears how many of the tables of all shards are there
   * @throws MigrationError DDL_REFUSED
   */
  async make(
    context: EffectContext,
    plan: Plan,
    shards: readonly TargetShard[],
    definitions: Definitions,
    tell: (there: number) => void,
  ): Promise<void> {
    const names = tableNames(plan);
    const found = await sideBySide(shards, async ({ shard, tablet }) => {
      await tablet.awaitCreation();
      const existing = new Set(await tablet.tableNames());
      return { shard: shard.name, tablet, missing: names.filter((name) => !existing.has(name)) };
    });
    const lacking = found.filter(({ missing }) => missing.length > 0);
    if (lacking.length > 0) {
      await context.beforeEffect();
      await context.journals.update(context.ref.runId, (record) => {
        for (const { shard, missing } of lacking) addTo(record.createdTables, shard, missing);
      });
    }
    let there = found.reduce((sum, { missing }) => sum + names.length - missing.length, 0);
    await sideBySide(found, async ({ shard, tablet, missing }) => {
      const loading = new Loading(() => tablet.reloadSchema());
      for (const batch of creationsOf(missing, definitions)) {
        tell(there);
        await loading.before(batch.tables.length);
        await createTables(context, plan, shard, tablet, batch);
        there += batch.tables.length;
      }
      tell(there);
      await loading.end();
    });
  },

  /**
   * Takes back what was copied of some tables on a shard. Those that the migration created are dropped, many in one
   * call; one that was there before is as it was: empty, and with its secondary keys, which the copy may have deferred.
   * @param created the tables of this shard that the journal says were created
   */
  async takeBack(
    context: EffectContext,
    { tablet, workflows }: { tablet: TabletHandle; workflows: readonly string[] },
    tables: readonly string[],
    created: readonly string[],
  ): Promise<void> {
    await tablet.awaitCreation();
    const ids = (await tablet.streams(workflows)).map(({ id }) => id);
    const deferred = ids.length === 0 ? [] : await tablet.deferredKeys(ids, tables);
    const present = new Set(await tablet.tableNames());
    const there = tables.filter((name) => present.has(name));
    const made = new Set(created);
    const older = there.filter((name) => !made.has(name));
    const filled = await tablet.nonEmptyTables(older);
    const loading = new Loading(() => tablet.reloadSchema());
    for (const batch of batchesOf(there.filter((name) => made.has(name)))) {
      await loading.before(batch.length);
      await context.beforeEffect();
      await tablet.dropTables(batch);
    }
    for (const table of filled) {
      await loading.before(1);
      await context.beforeEffect();
      await tablet.emptyTable(table);
    }
    const standing = new Set(older);
    for (const { table, statement } of deferred.filter((keys) => standing.has(keys.table))) {
      await loading.before(1);
      await buildKeys(context, tablet, table, statement);
    }
    await loading.end();
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
    const shards = new Set([...Object.keys(created), ...serving.map(({ name }) => name)]);
    await sideBySide([...shards], async (shard) => {
      const tablet = await clients.primary(clients.target, ref.id.keyspace, shard);
      const own = created[shard] ?? [];
      await this.takeBack(context, { tablet, workflows }, [...new Set([...own, ...copied])], own);
    });
  },
};

/** A statement that has been carried out already has built all of its keys. */
async function buildKeys(context: EffectContext, tablet: TabletHandle, table: string, statement: string) {
  const [now] = await tablet.tables([table]);
  if (now === undefined || hasKeys(now.ddl, statement)) return;
  await context.beforeEffect();
  await tablet.alterTable(statement);
}

interface DefinedTable {
  name: string;
  ddl: string;
}

/** Tables that are created in one call. */
interface Batch {
  tables: DefinedTable[];
  /** They have no primary key, and shall get none from MySQL. */
  keyless: boolean;
}

/** The tables in their order, but those without a key by themselves: their session has a setting of its own. */
function creationsOf(names: readonly string[], definitions: Definitions): Batch[] {
  const tables = names.map((name) => ({ name, ddl: definitions[name] ?? '' }));
  const without = new Set(tables.filter(({ ddl }) => !hasRowKey(parseDefinition(ddl))));
  const batches: Batch[] = [];
  for (const keyless of [false, true]) {
    let room = { tables: 0, characters: 0 };
    for (const table of tables.filter((each) => without.has(each) === keyless)) {
      if (room.tables < 1 || room.characters < table.ddl.length) {
        room = { tables: atOnce, characters: charactersAtOnce };
        batches.push({ tables: [], keyless });
      }
      room = { tables: room.tables - 1, characters: room.characters - table.ddl.length };
      batches.at(-1)?.tables.push(table);
    }
  }
  return batches;
}

/** Creates the tables of a batch; of those that one call has not made, the first is tried by itself. */
async function createTables(
  context: EffectContext,
  plan: Plan,
  shard: string,
  tablet: TabletHandle,
  { tables, keyless }: Batch,
): Promise<void> {
  for (let left = tables; left.length > 0;) {
    await context.beforeEffect();
    try {
      await tablet.createTables(
        left.map(({ ddl }) => ddl),
        { keyless },
      );
      return;
    } catch (error) {
      const existing = new Set(await tablet.tableNames());
      const [first, ...others] = left.filter(({ name }) => !existing.has(name));
      if (first === undefined) return;
      if (!(error instanceof MigrationError) || error.code === 'TABLET_UNREACHABLE') throw error;
      await context.beforeEffect();
      await createTable(plan, shard, tablet, first, keyless);
      left = others;
    }
  }
}

/** As Vitess creates a table, whose answer then is the last word: nothing but this one table is in it. */
async function createTable(
  plan: Plan,
  shard: string,
  tablet: TabletHandle,
  { name, ddl }: DefinedTable,
  keyless: boolean,
): Promise<void> {
  try {
    await tablet.applySchema(ddl, { keyless });
  } catch (error) {
    if ((await tablet.tables([name])).length > 0) return;
    if (!(error instanceof MigrationError) || error.code === 'TABLET_UNREACHABLE') throw error;
    throw new MigrationError(
      'DDL_REFUSED',
      `table ${quoteName(name)} cannot be created with the source's definition (${error.what})`,
      targetPlace(plan, { shard, tablet: tablet.alias, table: name }),
      'create it on the target by hand with a definition that fits, and create the migration again',
      { cause: error },
    );
  }
}
