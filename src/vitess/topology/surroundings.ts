import { fromBinary } from '@bufbuild/protobuf';
import type { LockFacts, RoutingFacts } from '../../migration/preflight/facts.js';
import { CellInfoSchema } from '../wire/topodata_pb.js';
import { KeyspaceRoutingRulesSchema, RoutingRulesSchema } from '../wire/vschema_pb.js';
import { describeHolder } from './etcd.js';
import type { Topology } from './topology.js';

/** The routing rules of tables and of keyspaces (`RoutingRules`, `routing_rules/keyspace/Rules`). */
export async function readRoutingRules(topology: Topology): Promise<RoutingFacts> {
  const [tables, keyspaces] = await Promise.all([
    topology.kv.get(`${topology.root}/RoutingRules`),
    topology.kv.get(`${topology.root}/routing_rules/keyspace/Rules`),
  ]);
  return {
    tables: fromBinary(RoutingRulesSchema, tables?.value ?? new Uint8Array()).rules.map(({ fromTable, toTables }) => ({
      from: fromTable,
      to: toTables,
    })),
    keyspaces: fromBinary(KeyspaceRoutingRulesSchema, keyspaces?.value ?? new Uint8Array()).rules.map(
      ({ fromKeyspace, toKeyspace }) => ({ from: fromKeyspace, to: toKeyspace }),
    ),
  };
}

/** Who holds, at this moment, the two locks that Create takes. */
export async function readLocks(topology: Topology, id: { keyspace: string; workflow: string }): Promise<LockFacts[]> {
  const paths = [`internal/named_locks/${id.keyspace}/${id.workflow}`, `keyspaces/${id.keyspace}`];
  const perPath = await Promise.all(
    paths.map(async (path) => {
      const waiting = await topology.kv.list(`${topology.root}/${path}/locks/`);
      const [oldest] = waiting.sort((a, b) => (BigInt(a.revision) < BigInt(b.revision) ? -1 : 1));
      return oldest === undefined
        ? []
        : [{ place: topology.place({ keyspace: id.keyspace }), path, holder: describeHolder(oldest.value) }];
    }),
  );
  return perPath.flat();
}

/** Names of the tables in the VSchemas of the cluster's other keyspaces. */
export async function readOtherTables(topology: Topology, keyspace: string): Promise<Record<string, string[]>> {
  const others = (await topology.keyspaces()).filter((name) => name !== keyspace);
  const entries = await Promise.all(
    others.map(async (name) => [name, Object.keys((await topology.vschema(name)).tables)] as const),
  );
  return Object.fromEntries(entries);
}

/** The root of each cell, by cell. */
export async function readCellRoots(topology: Topology): Promise<Record<string, string>> {
  const cells = await topology.cells();
  const entries = await Promise.all(
    cells.map(async (cell) => {
      const entry = await topology.kv.get(`${topology.root}/cells/${cell}/CellInfo`);
      return [cell, fromBinary(CellInfoSchema, entry?.value ?? new Uint8Array()).root] as const;
    }),
  );
  return Object.fromEntries(entries);
}
