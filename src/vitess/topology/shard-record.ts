import { create } from '@bufbuild/protobuf';
import { Shard_TabletControlSchema, TabletType, type Shard } from '../wire/topodata_pb.js';

/** The tables denied to applications on the primary of a shard. */
export function deniedTables(shard: Shard): string[] {
  return shard.tabletControls.find((control) => control.tabletType === TabletType.PRIMARY)?.deniedTables ?? [];
}

/**
 * Adds tables to the denied tables for PRIMARY, as Vitess's `UpdateDeniedTables` does.
 * To be called under the keyspace lock. False when all of them are there already.
 */
export function denyTables(shard: Shard, tables: readonly string[]): boolean {
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

/**
 * Takes tables out of the denied tables for PRIMARY; a control that denies nothing more
 * is removed, as Vitess does. To be called under the keyspace lock. False when none was there.
 */
export function allowTables(shard: Shard, tables: readonly string[]): boolean {
  const control = shard.tabletControls.find((each) => each.tabletType === TabletType.PRIMARY);
  if (control === undefined || !control.deniedTables.some((table) => tables.includes(table))) return false;
  control.deniedTables = control.deniedTables.filter((table) => !tables.includes(table));
  if (control.deniedTables.length === 0) shard.tabletControls = shard.tabletControls.filter((each) => each !== control);
  return true;
}
