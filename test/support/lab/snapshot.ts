import { Etcd3 } from 'etcd3';
import { lab, sql, tablesOf, targets, type TargetKeyspace } from './lab.js';

/** Everything a migration might leave behind in a target keyspace, as plain data to compare. */
export interface Snapshot {
  /** Value (hex) by key, of the whole topology server, without locks. */
  topology: Record<string, string>;
  /** By shard. */
  mysql: Record<string, { tables: string[]; sidecar: Record<string, number> }>;
}

const sidecarTables = ['vreplication', 'copy_state', 'post_copy_action', 'vdiff', 'vdiff_table', 'vdiff_log'];

export async function snapshot(keyspace: TargetKeyspace): Promise<Snapshot> {
  const mysql: Snapshot['mysql'] = {};
  for (const shard of targets[keyspace].shards) {
    const sidecar: Record<string, number> = {};
    for (const table of sidecarTables) {
      const [row] = await sql('target', keyspace, shard, `select count(*) as n from _vt.${table}`);
      sidecar[table] = Number(row?.['n']);
    }
    mysql[shard] = { tables: await tablesOf('target', keyspace, shard), sidecar };
  }
  return { topology: await topologyOf('target'), mysql };
}

/** A snapshot without the records of comparisons, which a migration writes now and then while it runs. */
export function withoutProofs({ topology, mysql }: Snapshot): Snapshot {
  const kept = Object.entries(topology).filter(([key]) => !/\/vtmigrate\/.*\/proof$/.test(key));
  return { topology: Object.fromEntries(kept), mysql };
}

/** Every key of a cluster's topology server but its locks, which come and go. */
export async function topologyOf(cluster: 'source' | 'target'): Promise<Record<string, string>> {
  const etcd = new Etcd3({ hosts: `http://${lab[cluster].topoServer}` });
  try {
    const { kvs } = await etcd.getAll().exec();
    return Object.fromEntries(
      kvs
        .filter((kv) => !kv.key.toString().includes('/locks/'))
        .map((kv) => [kv.key.toString(), kv.value.toString('hex')]),
    );
  } finally {
    etcd.close();
  }
}

/** Every key of a cluster's topology server, with its locks. */
export async function keysOf(cluster: 'source' | 'target'): Promise<string[]> {
  const etcd = new Etcd3({ hosts: `http://${lab[cluster].topoServer}` });
  try {
    return await etcd.getAll().keys();
  } finally {
    etcd.close();
  }
}

/** The keys in which two topologies differ. */
export function changedKeys(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .sort();
}
