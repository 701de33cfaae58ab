import type { TargetFacts } from '../../migration/plan/facts.js';
import type { Place } from '../../migration/problem/errors.js';
import type { Plan } from '../../migration/plan/plan.js';
import { judgeDisk, judgeThrottler } from '../../migration/preflight/capacity.js';
import { judgeLocks, judgeNames, judgeRouting, judgeWorkflows } from '../../migration/preflight/conflicts.js';
import type { ServerFacts, TableFacts, WorkflowFacts } from '../../migration/preflight/facts.js';
import { finding, type Finding } from '../../migration/problem/finding.js';
import { judgeCollations, judgedVariables, judgeTransactions } from '../../migration/preflight/servers.js';
import { judgeTargetTable } from '../../migration/preflight/tables.js';
import { matchesOf } from '../../migration/watch/stream.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { listJournals } from '../../effects/journal.js';
import { readLocks } from '../../vitess/topology/lock.js';
import { readOtherTables, readRoutingRules } from '../../vitess/topology/routing-rules.js';
import type { Reads } from './bounded-reads.js';

/** What was read of the target that checks of other groups need. */
export interface TargetReport {
  findings: Finding[];
  servers: ServerFacts[];
  primaries: { place: Place; hostname: string }[];
}

/** Looks at every target primary, against the source's tables. */
export async function inspectTarget(
  reads: Reads,
  clients: Clients,
  plan: Plan,
  facts: TargetFacts,
  sourceTables: readonly TableFacts[],
): Promise<TargetReport> {
  const shards = await Promise.all(
    facts.shards.map((shard) => inspectShard(reads, clients, plan, shard, sourceTables)),
  );
  return {
    findings: shards.flatMap(({ findings }) => findings),
    servers: shards.flatMap(({ server }) => (server === undefined ? [] : [server])),
    primaries: shards.flatMap(({ primary }) => (primary === undefined ? [] : [primary])),
  };
}

async function inspectShard(
  reads: Reads,
  clients: Clients,
  plan: Plan,
  shard: TargetFacts['shards'][number],
  sourceTables: readonly TableFacts[],
) {
  const at = clients.target.place({ keyspace: plan.target.keyspace, shard: shard.name });
  const record = await reads.need(at, () => clients.target.primary(plan.target.keyspace, shard.name));
  if (record === undefined) return { findings: [], server: undefined, primary: undefined };
  const tablet = clients.tablet(clients.target, record);
  const there = plan.tables.map(({ name }) => name).filter((name) => shard.tables.includes(name));
  const [variables, vitess, findings] = await Promise.all([
    reads.want('MySQL’s variables', tablet.place, () => tablet.variables(judgedVariables)),
    reads.want('the version of vttablet', tablet.place, () => tablet.version(), 'version-unknown'),
    Promise.all([
      ...tabletChecks(reads, tablet, plan),
      ...mysqlChecks(reads, tablet, tablet.place, sourceTables, there),
      // A whole number of shards shares the bytes, as far as anybody knows before the copy.
      diskCheck(reads, tablet, plan.tables.reduce((sum, table) => sum + table.bytes, 0) / plan.target.shards.length),
    ]),
  ]);
  const server =
    variables === undefined
      ? undefined
      : { place: tablet.place, variables, ...(vitess === undefined ? {} : { vitess }) };
  return { findings: findings.flat(), server, primary: { place: tablet.place, hostname: tablet.hostname } };
}

function tabletChecks(reads: Reads, tablet: TabletHandle, plan: Plan): Promise<Finding[]>[] {
  const { place } = tablet;
  return [
    judged(
      reads.want('the health of the primary', place, () => tablet.health()),
      (why) =>
        why === ''
          ? []
          : [
              finding(
                'shard-primary',
                `the primary is not healthy: ${why}`,
                place,
                'see to it that the tablet serves, or promote another one',
                'NO_PRIMARY',
              ),
            ],
    ),
    judged(
      reads.want('the permissions of the account that applies streams', place, () => tablet.permissions()),
      ({ ok, error }) =>
        ok
          ? []
          : [
              finding(
                'target-permissions',
                error,
                place,
                'grant SELECT, INSERT, UPDATE and DELETE on the sidecar database (_vt) to that account',
              ),
            ],
    ),
    judged(
      reads.want('the other workflows', place, () => tablet.workflows()),
      (workflows) => {
        // One of the same name is the plan's own finding.
        const others = workflows.filter(({ workflow }) => workflow !== plan.target.workflow);
        return judgeWorkflows(
          others.map((each) => ({ place, workflow: each.workflow, tables: matchesOf(each) })),
          plan.tables.map(({ name }) => name),
        );
      },
    ),
    judged(
      reads.want('the throttler', place, () => tablet.throttledApps(), 'throttler'),
      (apps) => judgeThrottler(place, apps, plan.target.workflow),
    ),
  ];
}

function mysqlChecks(
  reads: Reads,
  tablet: TabletHandle,
  place: Place,
  sourceTables: readonly TableFacts[],
  there: readonly string[],
): Promise<Finding[]>[] {
  const columns = sourceTables.flatMap((table) =>
    table.columns.map(({ collation }) => ({ table: table.name, collation })),
  );
  return [
    judged(
      reads.want('open transactions', place, () => tablet.lockingTransactions()),
      (transactions) => judgeTransactions(transactions.map((each) => ({ place, ...each }))),
    ),
    judged(
      reads.want('the collations', place, () => tablet.collations()),
      (collations) => judgeCollations(columns, [{ place, collations }]),
    ),
    judged(
      reads.want('the tables that are there', place, () => tablet.tableDetails(there)),
      (tables) =>
        tables.flatMap((table) => {
          const source = sourceTables.find(({ name }) => name === table.name);
          return source === undefined ? [] : judgeTargetTable(source, table, place);
        }),
    ),
  ];
}

async function diskCheck(reads: Reads, tablet: TabletHandle, bytes: number): Promise<Finding[]> {
  const read = await reads.want(
    'the disk',
    tablet.place,
    async () => ({ used: await tablet.diskUsed() }),
    'disk-unknown',
  );
  return read === undefined ? [] : judgeDisk(tablet.place, read.used, bytes);
}

/** Looks at the target's topology for what is in the way of the plan. `runId`: whose journal is no obstacle. */
export async function inspectTopology(reads: Reads, clients: Clients, plan: Plan, runId: string): Promise<Finding[]> {
  const topology = clients.target;
  const { keyspace } = plan.target;
  const place = topology.place({ keyspace });
  const tables = plan.tables.map(({ name }) => name);
  const findings = await Promise.all([
    judged(
      reads.want('the routing rules', place, () => readRoutingRules(topology)),
      (rules) => judgeRouting(rules, tables, keyspace, place),
    ),
    judged(
      reads.want('the locks', place, () => readLocks(topology, plan.target)),
      judgeLocks,
    ),
    judged(
      reads.want('the VSchemas of other keyspaces', place, () => readOtherTables(topology, keyspace)),
      (others) => judgeNames(tables, others, place),
    ),
    judged(
      reads.want('the journals', place, () => listJournals(topology, keyspace)),
      (journals) => {
        const others = journals.filter(
          ({ workflow, journal }) => workflow !== plan.target.workflow && journal.runId !== runId,
        );
        return judgeWorkflows(
          others.map(({ workflow, journal: { createdTables, deniedTables } }): WorkflowFacts => ({
            place,
            workflow: `${keyspace}.${workflow}`,
            tables: [...new Set([createdTables, deniedTables].flatMap((lists) => Object.values(lists).flat()))],
          })),
          tables,
        );
      },
    ),
  ]);
  return findings.flat();
}

async function judged<T>(read: Promise<T | undefined>, judge: (value: T) => Finding[]): Promise<Finding[]> {
  const value = await read;
  return value === undefined ? [] : judge(value);
}
