import { fromBinary } from '@bufbuild/protobuf';
import type { RoutingFacts } from '../../migration/preflight/facts.js';
import { KeyspaceRoutingRulesSchema, RoutingRulesSchema } from '../wire/vschema_pb.js';
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

/** Names of the tables in the VSchemas of the cluster's keyspaces, by keyspace; one keyspace may be left out. */
export async function readVSchemaTables(topology: Topology, except?: string): Promise<Record<string, string[]>> {
  const keyspaces = (await topology.keyspaces()).filter((name) => name !== except);
  const entries = await Promise.all(
    keyspaces.map(async (name) => [name, Object.keys((await topology.vschema(name)).tables)] as const),
  );
  return Object.fromEntries(entries);
}
