import { create } from '@bufbuild/protobuf';
import { Shard_TabletControlSchema, TabletType, type Shard } from '../wire/topodata_pb.js';
import type { KeyspaceLock } from './lock.js';
import type { Topology } from './topology.js';

/** The tables denied to applications on the primary of a shard. */
export function deniedTables(shard: Shard): string[] {
  return shard.tabletControls.find((control) => control.tabletType === TabletType.PRIMARY)?.deniedTables ?? [];
}

/** Adds tables to a shard's denied tables for PRIMARY, as Vitess's `UpdateDeniedTables` does. */
export async function denyTables(
  lock: KeyspaceLock,
  topology: Topology,
  shard: string,
  tables: readonly string[],
): Promise<void> {
  await topology.updateShard(lock, shard, (record) => deny(record, tables));
}

/** Takes tables out of a shard's denied tables for PRIMARY; like Vitess, removes a control that denies nothing more. */
export async function allowTables(
  lock: KeyspaceLock,
  topology: Topology,
  shard: string,
  tables: readonly string[],
): Promise<void> {
  await topology.updateShard(lock, shard, (record) => allow(record, tables));
}

/** False when all of them are denied already. */
function deny(shard: Shard, tables: readonly string[]): boolean {
  const missing = tables.filter((table) => !deniedTables(shard).includes(table));
  if (missing.length === 0) return false;
  const control = shard.tabletControls.find((each) => each.tabletType === TabletType.PRIMARY);
  if (control === undefined) {
    shard.tabletControls.push(
      create(Shard_TabletControlSchema, { tabletType: TabletType.PRIMARY, deniedTables: missing }),
    );
  } else {
    control.deniedTables.push(...missing);
  }
  return true;
}

/** False when none of them was denied. */
function allow(shard: Shard, tables: readonly string[]): boolean {
  const control = shard.tabletControls.find((each) => each.tabletType === TabletType.PRIMARY);
  if (control === undefined || !control.deniedTables.some((table) => tables.includes(table))) return false;
  control.deniedTables = control.deniedTables.filter((table) => !tables.includes(table));
  if (control.deniedTables.length === 0) shard.tabletControls = shard.tabletControls.filter((each) => each !== control);
  return true;
}
