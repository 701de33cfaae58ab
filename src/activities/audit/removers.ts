import type { EffectContext } from '../../effects/context.js';
import { deniedTables } from '../../effects/denied-tables.js';
import { fence } from '../../effects/fence.js';
import { JournalStore } from '../../effects/journal.js';
import { openSource } from '../../effects/source/open-source.js';
import { notRemovable } from '../../migration/audit/removal.js';
import type { Residue } from '../../migration/audit/residue.js';
import { quoteName } from '../../migration/sql/quote.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { withKeyspaceLock, type KeyspaceLock } from '../../vitess/topology/lock.js';

/** What the keys of an audit's locks say it is doing. */
export const auditAction = 'vtmigrate audit';

/** The name of a table between the moment from which no application can write to it and its drop. */
const asidePrefix = '_vtmigrate_';
const longestName = 64;

/**
 * Removes one piece of residue; what is gone already counts as removed.
 * @param lock the lock of the target keyspace
 * @throws MigrationError NOT_REMOVABLE when a table has rows; LOCK_LOST, TABLET_UNREACHABLE, MIGRATION_EXISTS
 */
export async function remove(clients: Clients, lock: KeyspaceLock, residue: Residue): Promise<void> {
  switch (residue.kind) {
    case 'stream':
      return (await primaryOf(clients, residue)).deleteStreams([residue.workflow]);
    case 'vdiff':
      return (await primaryOf(clients, residue)).deleteVDiffRows(residue.id);
    case 'copy-state':
      return (await primaryOf(clients, residue)).deleteCopyState(residue.stream);
    case 'table':
      return dropEmpty(clients, lock, residue);
    case 'denied':
      return allow(contextOf(clients, lock, '', ''), lock, residue);
    case 'fence':
      return takeDownFence(clients, lock, residue);
    case 'lock':
      return deleteLock(clients, residue);
    case 'journal':
      return new JournalStore(clients.target, residue).remove(residue.runId);
  }
}

/** Gives a table its name back that an interrupted attempt of `remove` has set aside. */
export async function putBack(clients: Clients, residue: Residue<'table'>): Promise<void> {
  const { keyspace, table } = residue;
  const aside = asideName(table);
  const tablet = await primaryOf(clients, residue);
  const present = (await tablet.tables([table, aside])).map(({ name }) => name);
  if (present.includes(table) || !present.includes(aside)) return;
  await withKeyspaceLock(clients.target, keyspace, auditAction, () =>
    tablet.renameTables([[aside, table]], { load: true }),
  );
}

/**
 * Sets the table aside first: from then on no application writes to it, and a row that was written until then shows.
 * A table that has a row gets its name back.
 */
async function dropEmpty(clients: Clients, lock: KeyspaceLock, residue: Residue<'table'>): Promise<void> {
  const { keyspace, shard, table } = residue;
  const aside = asideName(table);
  const tablet = await primaryOf(clients, residue);
  await tablet.renameTables([[table, aside]], { load: true });
  if ((await tablet.nonEmptyTables([aside])).length > 0) {
    await tablet.renameTables([[aside, table]], { load: true });
    throw notRemovable(keyspace, `rows have been written to table ${quoteName(table)} of shard ${shard} meanwhile`);
  }
  await lock.check();
  await tablet.dropTable(aside);
}

async function allow(context: EffectContext, lock: KeyspaceLock, { shard, table }: Residue<'denied'>): Promise<void> {
  await deniedTables.undo(context, lock, { [shard]: [table] });
  await deniedTables.refresh(context, [shard]);
}

/** Removes one entry from the denied tables of the source, and then from the journal. */
async function takeDownFence(clients: Clients, lock: KeyspaceLock, residue: Residue<'fence'>): Promise<void> {
  const { mount, sourceKeyspace, shard, table, workflow, runId } = residue;
  const source = await openSource(clients, { mount, keyspace: sourceKeyspace, shards: [shard] });
  await fence.undoTable(contextOf(clients, lock, workflow, runId), source, shard, table);
}

/** An audit removes for a migration that no workflow runs any more. */
function contextOf(clients: Clients, lock: KeyspaceLock, workflow: string, runId: string): EffectContext {
  const id = { keyspace: lock.keyspace, workflow };
  return {
    clients,
    ref: { id, runId },
    journals: new JournalStore(clients.target, id),
    beforeEffect: () => lock.check(),
  };
}

async function deleteLock(clients: Clients, { key }: Residue<'lock'>): Promise<void> {
  const { kv } = clients.target;
  const entry = await kv.get(key);
  if (entry !== undefined) await kv.delete(key, entry.revision);
}

function primaryOf(clients: Clients, { keyspace, shard }: { keyspace: string; shard: string }): Promise<TabletHandle> {
  return clients.primary(clients.target, keyspace, shard);
}

function asideName(table: string): string {
  return `${asidePrefix}${table}`.slice(0, longestName);
}
