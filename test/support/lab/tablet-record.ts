import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EtcdKv } from '../../../src/vitess/topology/etcd.js';
import { absent } from '../../../src/vitess/topology/kv.js';
import { TabletAliasSchema, TabletSchema, TabletType, type Tablet } from '../../../src/vitess/wire/topodata_pb.js';
import { lab } from './lab.js';

type ClusterName = 'source' | 'target';

/** What `registerGhost` calls a tablet. */
export const ghostOf = (side: ClusterName): string => `${lab[side].cell}-0000000999`;

const keyOf = (side: ClusterName, alias: string) => `/vitess/${lab[side].cell}/tablets/${alias}/Tablet`;

async function withKv<T>(side: ClusterName, work: (kv: EtcdKv) => Promise<T>): Promise<T> {
  const kv = new EtcdKv(lab[side].topoServer, side);
  try {
    return await work(kv);
  } finally {
    kv.close();
  }
}

/** Changes the record of a tablet, as somebody else would. */
export function changeTablet(side: ClusterName, alias: string, change: (tablet: Tablet) => void): Promise<void> {
  return withKv(side, async (kv) => {
    const entry = await kv.get(keyOf(side, alias));
    const record = fromBinary(TabletSchema, entry?.value ?? new Uint8Array());
    change(record);
    await kv.put(keyOf(side, alias), toBinary(TabletSchema, record), entry?.revision ?? absent);
  });
}

/** Registers a tablet that does not run. */
export function registerGhost(
  side: ClusterName,
  where: { keyspace: string; shard: string; type: 'REPLICA' | 'RDONLY' },
): Promise<void> {
  const { cell } = lab[side];
  const alias = ghostOf(side);
  return changeTablet(side, alias, (record) =>
    Object.assign(record, {
      alias: create(TabletAliasSchema, { cell, uid: 999 }),
      ...where,
      type: TabletType[where.type],
      hostname: '127.0.0.1',
      portMap: { grpc: 1, vt: 1 },
    }),
  );
}

/** Removes the record again. */
export function removeGhost(side: ClusterName): Promise<void> {
  return withKv(side, async (kv) => {
    const entry = await kv.get(keyOf(side, ghostOf(side)));
    if (entry !== undefined) await kv.delete(entry.key, entry.revision);
  });
}
