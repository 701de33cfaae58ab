import { create } from '@bufbuild/protobuf';
import { tableNames, type Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import type { KeyspaceLock } from '../vitess/topology/lock.js';
import type { CellAway } from '../vitess/topology/topology.js';
import { TableSchema } from '../vitess/wire/vschema_pb.js';
import type { EffectContext } from './context.js';

/** The entries that make the tables known to the target's vtgates. */
export const vschemaEntries = {
  describe({ plan, target }: Description): TopologyWrite[] {
    const { keyspace } = plan.target;
    return [
      ...(plan.missingInVSchema.length === 0
        ? []
        : [{ cluster: 'target', key: `${target.global}/keyspaces/${keyspace}/VSchema`, what: 'entries, at Complete' }]),
      ...Object.values(target.cells).map((root) => ({
        cluster: 'target',
        key: `${root}/SrvVSchema`,
        what: 'at Complete, unless it shows the tables already',
      })),
    ];
  },

  /**
   * Adds the tables that an unsharded target's VSchema lacks, each with its type in the source, keeps every entry
   * that is there, and makes the serving VSchema of every cell show it.
   * @returns the cells that cannot be reached
   */
  async make(context: EffectContext, lock: KeyspaceLock, plan: Plan): Promise<CellAway[]> {
    const { target } = context.clients;
    const vschema = await target.vschema(plan.target.keyspace);
    const missing = vschema.sharded ? [] : tableNames(plan).filter((name) => !Object.hasOwn(vschema.tables, name));
    const types = new Map(plan.tables.map(({ name, type = '' }) => [name, { type }]));
    if (missing.length > 0) {
      await context.beforeEffect();
      await context.journals.update(context.ref.runId, (record) => {
        record.vschemaTables = [...new Set([...record.vschemaTables, ...missing])];
      });
      await target.updateVSchema(lock, (record) => {
        for (const name of missing) record.tables[name] ??= create(TableSchema, types.get(name));
        return true;
      });
    }
    await context.beforeEffect();
    const away = await target.publishVSchema(lock);
    const { cellsBehind } = await context.journals.require(context.ref.runId);
    if (cellsBehind.length > 0) await remember(context, behind(cellsBehind, away), []);
    return away;
  },

  /**
   * Removes the entries that the journal says were added, and no others: all of them, or those of some tables. A cell
   * that cannot be reached does not hold this up: the journal remembers it for the next time.
   * @returns the cells that may still show tables that have been taken out, now or before
   */
  async undo(context: EffectContext, lock: KeyspaceLock, only?: readonly string[]): Promise<CellAway[]> {
    const { target } = context.clients;
    const { vschemaTables, cellsBehind } = await context.journals.require(context.ref.runId);
    const added = vschemaTables.filter((table) => only?.includes(table) !== false);
    if (added.length === 0 && cellsBehind.length === 0) return [];
    await context.beforeEffect();
    await target.updateVSchema(lock, (record) => {
      const kept = Object.entries(record.tables).filter(([name]) => !added.includes(name));
      if (kept.length === Object.keys(record.tables).length) return false;
      record.tables = Object.fromEntries(kept);
      return true;
    });
    const away = await target.publishVSchema(lock);
    const left = added.length > 0 ? away : behind(cellsBehind, away);
    await remember(context, left, added);
    return left;
  },
};

function behind(cells: readonly string[], away: readonly CellAway[]): CellAway[] {
  return away.filter(({ cell }) => cells.includes(cell));
}

/** @param removed tables whose entries are gone from the VSchema */
async function remember({ journals, ref }: EffectContext, left: readonly CellAway[], removed: readonly string[]) {
  await journals.update(ref.runId, (record) => {
    record.vschemaTables = record.vschemaTables.filter((table) => !removed.includes(table));
    record.cellsBehind = left.map(({ cell }) => cell);
  });
}
