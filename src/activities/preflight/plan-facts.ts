import { MigrationError } from '../../migration/problem/errors.js';
import type { SourceFacts, SourceTable, TargetFacts, VSchemaFacts } from '../../migration/plan/facts.js';
import type { Clients } from '../../vitess/clients.js';
import { deniedTables } from '../../vitess/topology/shard-record.js';
import { readHolders } from '../../effects/table-holders.js';
import type { Journal } from '../../effects/journal.js';
import { formatTabletType, type ShardInfo, type Topology } from '../../vitess/topology/topology.js';
import type { Tablet } from '../../vitess/wire/topodata_pb.js';
import type { Keyspace as VSchema } from '../../vitess/wire/vschema_pb.js';
import type { Reads } from './bounded-reads.js';

/** The source as the plan needs it, with the records of its tablets by shard. */
export interface SourceSide {
  facts: SourceFacts;
  tablets: Map<string, Tablet[]>;
}

/** Undefined, with findings of severity error, when there can be no plan. */
export async function readSource(
  reads: Reads,
  clients: Clients,
  topology: Topology,
  keyspace: string,
): Promise<SourceSide | undefined> {
  const place = topology.place({ keyspace });
  const shards = await reads.need(place, () => requireShards(topology, keyspace));
  if (shards === undefined) return undefined;
  const [cells, vschema, tables, tablets] = await Promise.all([
    reads.need(place, () => topology.cells()),
    reads.need(place, () => topology.vschema(keyspace)),
    sourceTables(reads, clients, topology, keyspace, shards),
    reads.need(place, () =>
      Promise.all(shards.map(async ({ name }) => [name, await topology.tablets(keyspace, name)] as const)),
    ),
  ]);
  if (cells === undefined || vschema === undefined || tables === undefined || tablets === undefined) return undefined;
  const byShard = new Map(tablets);
  return {
    facts: {
      cells,
      tables,
      vschema: vschemaFacts(vschema),
      shards: shards.map(({ name, keyRange }) => ({
        name,
        keyRange,
        tablets: (byShard.get(name) ?? []).map((tablet) => ({
          cell: tablet.alias?.cell ?? '',
          type: formatTabletType(tablet.type),
        })),
      })),
    },
    tablets: byShard,
  };
}

/** The tables of the first shard's primary, as Vitess's `getTablesInKeyspace`, with the estimates of all shards. */
async function sourceTables(
  reads: Reads,
  clients: Clients,
  topology: Topology,
  keyspace: string,
  shards: ShardInfo[],
): Promise<SourceTable[] | undefined> {
  const perShard = await Promise.all(
    shards.map(({ name }) =>
      reads.need(topology.place({ keyspace, shard: name }), async () => {
        const tablet = await clients.primary(topology, keyspace, name);
        try {
          return await tablet.tables();
        } catch (error) {
          throw explainBacktick(error);
        }
      }),
    ),
  );
  const known = perShard.flatMap((tables) => (tables === undefined ? [] : [tables]));
  if (known.length < shards.length) return undefined;
  return (known[0] ?? []).map(({ name }) => {
    const same = known.flatMap((tables) => tables.filter((table) => table.name === name));
    return { name, rows: same.reduce((sum, t) => sum + t.rows, 0), bytes: same.reduce((sum, t) => sum + t.bytes, 0) };
  });
}

/** A backtick in any table name of a keyspace breaks Vitess's own GetSchema for all of them. */
function explainBacktick(error: unknown): unknown {
  if (!(error instanceof MigrationError) || !error.what.includes('UnescapeID err')) return error;
  return new MigrationError(
    'BACKTICK_TABLE_NAME',
    'a table of the source keyspace has a backtick in its name, and Vitess cannot read the schema of a keyspace with such a table',
    error.place,
    'rename that table in the source; leaving it out with -exclude does not help',
    { cause: error },
  );
}

/**
 * Undefined, with findings of severity error, when there can be no plan. What this run has made
 * already, if it runs a second time (`temporal workflow reset`), is not in its way.
 */
export async function readTarget(
  reads: Reads,
  clients: Clients,
  to: { keyspace: string; workflow: string },
  candidates: string[],
  own: Journal | undefined,
): Promise<TargetFacts | undefined> {
  const topology = clients.target;
  const place = topology.place({ keyspace: to.keyspace });
  const read = await Promise.all([
    reads.need(place, () => topology.cells()),
    reads.need(place, () => topology.vschema(to.keyspace)),
    reads.need(place, () => requireShards(topology, to.keyspace)),
  ]);
  const [cells, vschema, shards] = read;
  if (cells === undefined || vschema === undefined || shards === undefined) return undefined;
  const read2 = await Promise.all(
    shards.map((shard) =>
      reads.need({ ...place, shard: shard.name }, () => readTargetShard(clients, to, shard, candidates, own)),
    ),
  );
  const facts = read2.flatMap((shard) => (shard === undefined ? [] : [shard]));
  return facts.length < shards.length ? undefined : { cells, vschema: vschemaFacts(vschema), shards: facts };
}

async function readTargetShard(
  clients: Clients,
  to: { keyspace: string; workflow: string },
  shard: ShardInfo,
  candidates: string[],
  own: Journal | undefined,
): Promise<TargetFacts['shards'][number]> {
  const tablet = await clients.primary(clients.target, to.keyspace, shard.name);
  const tables = await tablet.tableNames();
  const ownTables = own?.createdTables[shard.name] ?? [];
  const nonEmptyTables = await tablet.nonEmptyTables(
    tables.filter((name) => candidates.includes(name) && !ownTables.includes(name)),
  );
  const denied = deniedTables(shard.record).filter((table) => !own?.deniedTables[shard.name]?.includes(table));
  return {
    name: shard.name,
    keyRange: shard.keyRange,
    tables,
    nonEmptyTables,
    deniedTables: denied,
    holders: denied.length === 0 ? {} : await readHolders(clients, to, shard.name, tablet, denied),
    hasWorkflow: own?.streams !== true && (await tablet.streams(to.workflow)).length > 0,
  };
}

async function requireShards(topology: Topology, keyspace: string): Promise<ShardInfo[]> {
  const shards = await topology.servingShards(keyspace);
  if (shards.length > 0) return shards;
  throw new MigrationError(
    'NO_PRIMARY',
    'the keyspace has no serving shard',
    topology.place({ keyspace }),
    'start its tablets and give each shard a primary',
  );
}

function vschemaFacts(vschema: VSchema): VSchemaFacts {
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
