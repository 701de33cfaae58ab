import type { VSchemaFacts } from '../migration/plan/facts.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { ShardInfo, Topology } from '../vitess/topology/topology.js';
import type { Keyspace as VSchema } from '../vitess/wire/vschema_pb.js';

/** The serving shards of a keyspace. @throws MigrationError KEYSPACE_NOT_FOUND; NO_PRIMARY when there is none */
export async function requireServingShards(topology: Topology, keyspace: string): Promise<ShardInfo[]> {
  await topology.requireKeyspace(keyspace);
  const shards = await topology.servingShards(keyspace);
  if (shards.length > 0) return shards;
  throw new MigrationError(
    'NO_PRIMARY',
    'the keyspace has no serving shard',
    topology.place({ keyspace }),
    'start its tablets and give each shard a primary',
  );
}

/** The part of a VSchema that decides how a table is filtered. */
export function toVSchemaFacts(vschema: VSchema): VSchemaFacts {
  const columnsOf = (vindex: { column: string; columns: string[] }) =>
    vindex.columns.length > 0 ? vindex.columns : [vindex.column].filter((column) => column !== '');
  return {
    sharded: vschema.sharded,
    vindexes: Object.fromEntries(
      Object.entries(vschema.vindexes).map(([name, { type, params }]) => [name, { type, params }]),
    ),
    tables: Object.fromEntries(
      Object.entries(vschema.tables).map(([name, table]) => [
        name,
        {
          type: table.type,
          columnVindexes: table.columnVindexes.map((cv) => ({ name: cv.name, columns: columnsOf(cv) })),
          ...(table.autoIncrement === undefined
            ? {}
            : { autoIncrement: { column: table.autoIncrement.column, sequence: table.autoIncrement.sequence } }),
        },
      ]),
    ),
  };
}
