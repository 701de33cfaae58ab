import { JournalStore } from '../../effects/journal.js';
import { refreshShard } from '../../effects/refresh-shard.js';
import { notRemovable } from '../../migration/audit/removal.js';
import type { Residue } from '../../migration/audit/residue.js';
import { quoteName, quoteString } from '../../migration/sql/quote.js';
import type { Clients } from '../../vitess/clients.js';
import type { Tablet } from '../../vitess/tablet/tablet.js';
import { withKeyspaceLock, type CheckLocks } from '../../vitess/topology/lock.js';
import { allowTables } from '../../vitess/topology/shard-record.js';
import { isEmpty } from './survey.js';

/** What the keys of an audit's locks say it is doing. */
export const auditAction = 'vtmigrate audit';

/** The name of a table between the moment from which no application can write to it and its drop. */
const asidePrefix = '_vtmigrate_';
const longestName = 64;

/**
 * Removes one piece of residue; what is gone already counts as removed.
 * @param checkLocks checks the lock of the target keyspace
 * @throws MigrationError NOT_REMOVABLE when a table has rows; LOCK_LOST, TABLET_UNREACHABLE, MIGRATION_EXISTS
 */
export async function remove(clients: Clients, checkLocks: CheckLocks, residue: Residue): Promise<void> {
  switch (residue.kind) {
    case 'stream':
      return (await primaryOf(clients, residue)).deleteStreams(residue.workflow);
    case 'vdiff':
      return deleteVDiffRows(await primaryOf(clients, residue), residue.id);
    case 'copy-state':
      return deleteCopyState(await primaryOf(clients, residue), residue.stream);
    case 'table':
      return dropEmpty(clients, checkLocks, residue);
    case 'denied':
      return allow(clients, residue);
    case 'fence':
      return takeDownFence(clients, residue);
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
  await withKeyspaceLock(clients.target, keyspace, auditAction, () => renameTable(tablet, aside, table));
}

/**
 * Sets the table aside first: from then on no application writes to it, and a row that was written until then shows.
 * A table that has a row gets its name back.
 */
async function dropEmpty(clients: Clients, checkLocks: CheckLocks, residue: Residue<'table'>): Promise<void> {
  const { keyspace, shard, table } = residue;
  const aside = asideName(table);
  const tablet = await primaryOf(clients, residue);
  await renameTable(tablet, table, aside);
  if (!(await isEmpty(tablet, aside))) {
    await renameTable(tablet, aside, table);
    throw notRemovable(keyspace, `rows have been written to table ${quoteName(table)} of shard ${shard} meanwhile`);
  }
  await checkLocks();
  await tablet.query(`drop table ${quoteName(aside)}`, { disableForeignKeyChecks: true, reloadSchema: true });
}

async function allow(clients: Clients, residue: Residue<'denied'>): Promise<void> {
  const { keyspace, shard, table } = residue;
  await clients.target.updateShard(keyspace, shard, (record) => allowTables(record, [table]));
  await refreshShard(clients, clients.target, keyspace, shard);
}

/** Removes one entry from the denied tables of the source, and then from the journal. */
async function takeDownFence(clients: Clients, residue: Residue<'fence'>): Promise<void> {
  const { mount, sourceKeyspace, shard, table, runId } = residue;
  const source = await clients.source(mount);
  await withKeyspaceLock(source, sourceKeyspace, auditAction, async (checkLock) => {
    await checkLock();
    await source.updateShard(sourceKeyspace, shard, (record) => allowTables(record, [table]));
  });
  await refreshShard(clients, source, sourceKeyspace, shard);
  await new JournalStore(clients.target, residue).update(runId, (journal) => {
    const left = (journal.fencedTables[shard] ?? []).filter((each) => each !== table);
    const others = Object.entries(journal.fencedTables).filter(([name]) => name !== shard);
    journal.fencedTables = Object.fromEntries(left.length === 0 ? others : [...others, [shard, left]]);
  });
}

async function deleteLock(clients: Clients, { key }: Residue<'lock'>): Promise<void> {
  const { kv } = clients.target;
  const entry = await kv.get(key);
  if (entry !== undefined) await kv.delete(key, entry.revision);
}

function primaryOf(clients: Clients, { keyspace, shard }: { keyspace: string; shard: string }): Promise<Tablet> {
  return clients.primary(clients.target, keyspace, shard);
}

function asideName(table: string): string {
  return `${asidePrefix}${table}`.slice(0, longestName);
}

async function deleteCopyState(tablet: Tablet, stream: string): Promise<void> {
  for (const table of ['copy_state', 'post_copy_action'])
    await tablet.query(`delete from _vt.${table} where vrepl_id = ${Number(stream)}`);
}

async function deleteVDiffRows(tablet: Tablet, id: string): Promise<void> {
  for (const number of id.startsWith('#') ? [Number(id.slice(1))] : await vdiffNumbers(tablet, id)) {
    for (const table of ['vdiff_log', 'vdiff_table'])
      await tablet.query(`delete from _vt.${table} where vdiff_id = ${number}`);
    await tablet.query(`delete from _vt.vdiff where id = ${number}`);
  }
}

async function vdiffNumbers(tablet: Tablet, uuid: string): Promise<number[]> {
  const where = `vdiff_uuid = ${quoteString(uuid)} and db_name = ${quoteString(tablet.dbName)}`;
  return (await tablet.query(`select id from _vt.vdiff where ${where}`)).map((row) => Number(row['id']));
}

async function renameTable(tablet: Tablet, from: string, to: string): Promise<void> {
  await tablet.query(`rename table ${quoteName(from)} to ${quoteName(to)}`, {
    disableForeignKeyChecks: true,
    reloadSchema: true,
  });
}
