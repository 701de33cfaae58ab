import { MigrationError } from '../../migration/problem/errors.js';
import type { Plan } from '../../migration/plan/plan.js';
import { judgePrivileges } from '../../migration/preflight/capacity.js';
import type { CandidateFacts, ServerFacts, TableFacts } from '../../migration/preflight/facts.js';
import { finding, type Finding } from '../../migration/problem/finding.js';
import { judgeCandidates } from '../../migration/preflight/reachability.js';
import { judgedVariables, judgeSourceServers, judgeTransactions } from '../../migration/preflight/servers.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { formatTabletType, type Topology } from '../../vitess/topology/topology.js';
import type { Tablet } from '../../vitess/wire/topodata_pb.js';
import type { Reads } from './bounded-reads.js';

/** What was read of the source that checks of other groups need. */
export interface SourceReport {
  findings: Finding[];
  servers: ServerFacts[];
  tables: TableFacts[];
  views: string[];
  tablets: { hostname: string; place: CandidateFacts['place'] }[];
}

/** Looks at the source's tablets and tables, beyond what the plan needed. */
export async function inspectSource(
  reads: Reads,
  clients: Clients,
  topology: Topology,
  plan: Plan,
  records: Map<string, Tablet[]>,
): Promise<SourceReport> {
  const source = new SourceInspection(reads, clients, topology, plan);
  const candidates = [...records.values()]
    .flat()
    .filter(
      (record) =>
        plan.stream.tabletTypes.some((type) => type === formatTabletType(record.type)) &&
        plan.source.cells.includes(record.alias?.cell ?? ''),
    );
  const [tablets, shards, details] = await Promise.all([
    Promise.all(candidates.map((record) => source.candidate(record))),
    Promise.all(plan.source.shards.map(({ name }) => source.privileges(name))),
    source.tables(),
  ]);
  const servers = tablets.flatMap(({ server }) => (server === undefined ? [] : [server]));
  const bytes = plan.tables.reduce((sum, table) => sum + table.bytes, 0);
  return {
    findings: [
      ...judgeCandidates(tablets.map(({ facts }) => facts)),
      ...judgeSourceServers(servers, { bytes, shards: plan.source.shards.length }),
      ...tablets.flatMap(({ findings }) => findings),
      ...shards.flat(),
    ],
    servers,
    ...details,
    tablets: tablets.map(({ facts }) => facts),
  };
}

class SourceInspection {
  constructor(
    private readonly reads: Reads,
    private readonly clients: Clients,
    private readonly topology: Topology,
    private readonly plan: Plan,
  ) {}

  async candidate(
    record: Tablet,
  ): Promise<{ facts: CandidateFacts; server: ServerFacts | undefined; findings: Finding[] }> {
    const { reads } = this;
    const tablet = this.clients.tablet(this.topology, record);
    const { place } = tablet;
    const facts = (await reads.want('the health of the tablet', place, () => candidateFacts(tablet))) ?? {
      place,
      hostname: tablet.hostname,
      type: tablet.type,
      unhealthy: 'its health is not known',
      streamError: '',
    };
    // What does not answer is not asked more: it is one finding, not five.
    if (facts.unhealthy !== '') return { facts, server: undefined, findings: [] };
    const [variables, vitess, transactions] = await Promise.all([
      reads.want('MySQL’s variables', place, () => tablet.variables(judgedVariables)),
      reads.want('the version of vttablet', place, () => tablet.version(), 'version-unknown'),
      reads.want('open transactions', place, () => tablet.lockingTransactions()),
    ]);
    const server =
      variables === undefined ? undefined : { place, variables, ...(vitess === undefined ? {} : { vitess }) };
    return { facts, server, findings: judgeTransactions((transactions ?? []).map((each) => ({ place, ...each }))) };
  }

  /** The account the source streams with, as a permission test on the primary names it, and what it may. */
  async privileges(shard: string): Promise<Finding[]> {
    const { keyspace } = this.plan.source;
    const place = this.topology.place({ keyspace, shard });
    const found = await this.reads.want(
      'the privileges of the account for streams',
      place,
      async () => {
        const record = await this.topology.primary(keyspace, shard);
        const tablet = this.clients.tablet(this.topology, record);
        const { user } = await tablet.permissions();
        return judgePrivileges(tablet.place, user, await tablet.grants(user));
      },
      'source-privileges-unknown',
    );
    return found ?? [];
  }

  async tables(): Promise<{ tables: TableFacts[]; views: string[] }> {
    const { keyspace, shards } = this.plan.source;
    const shard = shards[0]?.name ?? '';
    const place = this.topology.place({ keyspace, shard });
    const tablet = () => this.clients.primary(this.topology, keyspace, shard);
    const [tables, views] = await Promise.all([
      this.reads.want('the columns and keys of the tables', place, async () =>
        (await tablet()).tableDetails(this.plan.tables.map(({ name }) => name)),
      ),
      this.reads.want('the views', place, async () => (await tablet()).views()),
    ]);
    return { tables: tables ?? [], views: views ?? [] };
  }
}

/** A tablet that cannot be reached is unhealthy, and a stream that fails is a fact, not an error. */
async function candidateFacts(tablet: TabletHandle): Promise<CandidateFacts> {
  const unhealthy = await told(() => tablet.health());
  const streamError = unhealthy === '' ? await told(async () => (await tablet.openStream(), '')) : '';
  return { place: tablet.place, hostname: tablet.hostname, type: tablet.type, unhealthy, streamError };
}

async function told(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof MigrationError) return error.what;
    throw error;
  }
}

/** A finding that the migration of the same identifier belongs to another run. */
export function ownedByAnother(
  target: string,
  journal: { source: string; runId: string },
  place: Finding['place'],
): Finding {
  return finding(
    'migration-name',
    `${target} belongs to the migration of ${journal.source} with run ID ${journal.runId}`,
    place,
    'complete or cancel that one first, or choose another workflow name',
    'MIGRATION_EXISTS',
  );
}
