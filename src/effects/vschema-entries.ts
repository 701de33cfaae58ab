import { create } from '@bufbuild/protobuf';
import type { Plan } from '../migration/plan/plan.js';
import type { Clients } from '../vitess/clients.js';
import type { MigrationLocks } from '../vitess/topology/lock.js';
import { JournalStore } from './journal.js';
import { TableSchema } from '../vitess/wire/vschema_pb.js';

/**
 * Adds the tables an unsharded target's VSchema lacks, keeps every entry that is there, and makes
 * the serving VSchema of every cell show it.
 */
export async function addToVSchema(
  clients: Clients,
  locks: MigrationLocks,
  plan: Plan,
  runId: string,
  beforeEffect: () => Promise<void>,
): Promise<void> {
  const { keyspace } = plan.target;
  const vschema = await clients.target.vschema(keyspace);
  const missing = vschema.sharded
    ? []
    : plan.tables.map((table) => table.name).filter((name) => !Object.hasOwn(vschema.tables, name));
  if (missing.length > 0) {
    await beforeEffect();
    await new JournalStore(clients.target, plan.target).update(runId, (journal) => {
      journal.vschemaTables = [...new Set([...journal.vschemaTables, ...missing])];
    });
    await clients.target.updateVSchema(locks, (record) => {
      for (const name of missing) record.tables[name] ??= create(TableSchema);
      return true;
    });
  }
  await beforeEffect();
  await clients.target.publishVSchema(locks);
}

/** Takes out the entries `addToVSchema` added, and no others. */
export async function removeFromVSchema(clients: Clients, locks: MigrationLocks, runId: string): Promise<void> {
  const journals = new JournalStore(clients.target, locks);
  const added = (await journals.read())?.vschemaTables ?? [];
  if (added.length === 0) return;
  await locks.check();
  await clients.target.updateVSchema(locks, (record) => {
    const kept = Object.entries(record.tables).filter(([name]) => !added.includes(name));
    if (kept.length === Object.keys(record.tables).length) return false;
    record.tables = Object.fromEntries(kept);
    return true;
  });
  await clients.target.publishVSchema(locks);
  await journals.update(runId, (journal) => {
    journal.vschemaTables = [];
  });
}
