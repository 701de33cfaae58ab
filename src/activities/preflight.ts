import { MigrationError, describeProblem, type Problem } from '../migration/errors.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../migration/identifier.js';
import type { MigrateInput } from '../migration/input.js';
import type { SourceFacts, TargetFacts, VSchemaFacts } from '../migration/facts.js';
import { makePlan, type Plan } from '../migration/plan.js';
import { quoteName } from '../migration/quote.js';
import type { Clients } from '../vitess/clients.js';
import { deniedTables } from '../vitess/topology/denied-tables.js';
import { JournalStore, type Journal } from '../vitess/topology/journal.js';
import { formatTabletType, type Topology } from '../vitess/topology/topology.js';
import type { Keyspace as VSchema } from '../vitess/wire/vschema_pb.js';

/** The step before the first change: read both sides, find everything that is wrong, make the plan. */
export function preflightActivities(clients: Clients) {
  return {
    /**
     * Changes nothing. @throws PREFLIGHT_REFUSED with every problem found as `details`, or the
     * error itself where one side cannot be read at all
     */
    async preflight(input: MigrateInput, runId: string): Promise<Plan> {
      const from = parseSourceIdentifier(input.source);
      const to = parseWorkflowIdentifier(input.target);
      const source = await clients.source(from.mount);
      await Promise.all([source.requireKeyspace(from.keyspace), clients.target.requireKeyspace(to.keyspace), clients.vtgate.ping()]);
      const journal = await new JournalStore(clients.target, to).read();
      if (journal !== undefined && journal.runId !== runId) {
        throw new MigrationError('MIGRATION_EXISTS', `${input.target} belongs to the migration of ${journal.source} with run ID ${journal.runId}`, clients.target.place({ keyspace: to.keyspace }), 'complete or cancel that one first, or choose another workflow name');
      }
      const sourceFacts = await readSource(clients, source, from.keyspace);
      const targetFacts = await readTarget(clients, to, sourceFacts.tables.map((table) => table.name), journal);
      const { plan, problems } = makePlan(input, sourceFacts, targetFacts);
      if (problems.length > 0) throw refusal(problems);
      return plan;
    },
  };
}

function refusal(problems: Problem[]): MigrationError {
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) return new MigrationError(first.code, first.message, first.place, first.remedy);
  const list = problems.map((problem) => `\n  - ${describeProblem(problem)}`).join('');
  return new MigrationError('PREFLIGHT_REFUSED', `${problems.length} things are in the way; nothing has been changed:${list}`, {}, '');
}

async function readSource(clients: Clients, topology: Topology, keyspace: string): Promise<SourceFacts> {
  const shards = await requireShards(topology, keyspace);
  const [cells, vschema, tables, tablets] = await Promise.all([
    topology.cells(),
    topology.vschema(keyspace),
    sourceTables(clients, topology, keyspace, shards.map((shard) => shard.name)),
    Promise.all(shards.map((shard) => topology.tablets(keyspace, shard.name))),
  ]);
  return {
    cells,
    tables,
    vschema: vschemaFacts(vschema),
    shards: shards.map((shard, i) => ({
      name: shard.name,
      keyRange: shard.keyRange,
      tablets: (tablets[i] ?? []).map((tablet) => ({ cell: tablet.alias?.cell ?? '', type: formatTabletType(tablet.type) })),
    })),
  };
}

/** The tables of the first shard's primary, as Vitess's `getTablesInKeyspace`, with the estimates of all shards. */
async function sourceTables(clients: Clients, topology: Topology, keyspace: string, shards: string[]): Promise<SourceFacts['tables']> {
  const perShard = await Promise.all(
    shards.map(async (shard) => {
      const tablet = await clients.primary(topology, keyspace, shard);
      try {
        return await tablet.tables();
      } catch (error) {
        throw explainBacktick(error);
      }
    }),
  );
  return (perShard[0] ?? []).map(({ name }) => {
    const same = perShard.flatMap((tables) => tables.filter((table) => table.name === name));
    return { name, rows: same.reduce((sum, t) => sum + t.rows, 0), bytes: same.reduce((sum, t) => sum + t.bytes, 0) };
  });
}

/** A backtick in any table name of a keyspace breaks Vitess's own GetSchema for all of them. */
function explainBacktick(error: unknown): unknown {
  if (!(error instanceof MigrationError) || !error.what.includes('UnescapeID err')) return error;
  return new MigrationError('BACKTICK_TABLE_NAME', 'a table of the source keyspace has a backtick in its name, and Vitess cannot read the schema of a keyspace with such a table', error.place, 'rename that table in the source; leaving it out with -exclude does not help', { cause: error });
}

/** What this run has made already, if it runs a second time (`temporal workflow reset`), is not in its way. */
async function readTarget(clients: Clients, to: { keyspace: string; workflow: string }, candidates: string[], own: Journal | undefined): Promise<TargetFacts> {
  const topology = clients.target;
  const [cells, vschema, shards] = await Promise.all([topology.cells(), topology.vschema(to.keyspace), requireShards(topology, to.keyspace)]);
  return {
    cells,
    vschema: vschemaFacts(vschema),
    shards: await Promise.all(
      shards.map(async (shard) => {
        const tablet = await clients.primary(topology, to.keyspace, shard.name);
        const tables = (await tablet.tables()).map((table) => table.name);
        const nonEmptyTables: string[] = [];
        const ownTables = own?.createdTables[shard.name] ?? [];
        for (const table of tables.filter((name) => candidates.includes(name) && !ownTables.includes(name))) {
          if ((await tablet.query(`select 1 from ${quoteName(table)} limit 1`)).length > 0) nonEmptyTables.push(table);
        }
        return {
          name: shard.name,
          keyRange: shard.keyRange,
          tables,
          nonEmptyTables,
          deniedTables: deniedTables(shard.record).filter((table) => !own?.deniedTables[shard.name]?.includes(table)),
          hasWorkflow: own?.streams !== true && (await tablet.streams(to.workflow)).length > 0,
        };
      }),
    ),
  };
}

async function requireShards(topology: Topology, keyspace: string) {
  const shards = await topology.servingShards(keyspace);
  if (shards.length > 0) return shards;
  throw new MigrationError('NO_PRIMARY', 'the keyspace has no serving shard', topology.place({ keyspace }), 'start its tablets and give each shard a primary');
}

function vschemaFacts(vschema: VSchema): VSchemaFacts {
  const columnsOf = (vindex: { column: string; columns: string[] }) => (vindex.columns.length > 0 ? vindex.columns : [vindex.column].filter((column) => column !== ''));
  return {
    sharded: vschema.sharded,
    vindexes: Object.fromEntries(Object.entries(vschema.vindexes).map(([name, { type, params }]) => [name, { type, params }])),
    tables: Object.fromEntries(
      Object.entries(vschema.tables).map(([name, table]) => [name, { type: table.type, columnVindexes: table.columnVindexes.map((cv) => ({ name: cv.name, columns: columnsOf(cv) })) }]),
    ),
  };
}
