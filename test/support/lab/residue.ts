import { fromBinary } from '@bufbuild/protobuf';
import { deniedTables } from '../../../src/vitess/topology/shard-record.js';
import { ShardSchema } from '../../../src/vitess/wire/topodata_pb.js';
import { changedKeys, type Snapshot } from './snapshot.js';

/**
 * What is there after a migration and should not be, or has gone and should not have: topology
 * keys, and rows of Vitess's own tables. A failover changes who is the primary; that is nobody's residue.
 */
export function residue(before: Snapshot, after: Snapshot, outcome: 'completed' | 'cancelled'): string[] {
  const keys = changedKeys(before.topology, after.topology).filter((key) => {
    if (/\/ExternalClusters\/|\/Tablet$|\/ShardReplication$|\/SrvKeyspace$/.test(key)) return false;
    if (key.endsWith('/Shard')) return denied(before, key) !== denied(after, key);
    return outcome === 'cancelled' || !/\/(Srv)?VSchema$/.test(key);
  });
  const shards = Object.entries(after.mysql).flatMap(([shard, { tables, sidecar }]) => {
    const was = before.mysql[shard];
    const counts = Object.entries(sidecar)
      .filter(([table, rows]) => rows !== was?.sidecar[table])
      .map(([table, rows]) => `${rows} rows in _vt.${table} of ${shard}`);
    const extra =
      outcome === 'cancelled'
        ? tables.filter((table) => was?.tables.includes(table) !== true).map((table) => `table ${table} in ${shard}`)
        : [];
    return [...counts, ...extra];
  });
  return [...keys, ...shards];
}

function denied(from: Snapshot, key: string): string {
  return deniedTables(fromBinary(ShardSchema, Buffer.from(from.topology[key] ?? '', 'hex'))).join();
}
