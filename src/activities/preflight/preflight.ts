import { nameList, type MigrationRef } from '../../migration/lifecycle/reference.js';
import type { PreflightReport } from '../../migration/lifecycle/preflight-report.js';
import { Context } from '@temporalio/activity';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { MigrateInput } from '../../migration/input/input.js';
import { makePlan, tableNames, type Plan, type PlanDetails } from '../../migration/plan/plan.js';
import { blocking, capped, refusal, type Finding } from '../../migration/problem/finding.js';
import { judgeAddresses } from '../../migration/preflight/reachability.js';
import { judgeVersions } from '../../migration/preflight/servers.js';
import { judgeTables } from '../../migration/preflight/tables.js';
import { topologyWrites } from '../../migration/preflight/topology-writes.js';
import { judgeVindexes } from '../../migration/preflight/vindexes.js';
import type { Clients } from '../../vitess/clients.js';
import { JournalStore } from '../../effects/journal.js';
import { readCellRoots } from '../../vitess/topology/cells.js';
import type { Topology } from '../../vitess/topology/topology.js';
import { withHeartbeat } from '../step/heartbeat.js';
import { readSource, readTarget, type SourceSide } from './plan-facts.js';
import { Reads } from './bounded-reads.js';
import { inspectSource, ownedByAnother } from './source.js';
import { inspectTarget, inspectTopology } from './target.js';
import type { TargetFacts } from '../../migration/plan/facts.js';
import type { Journal } from '../../effects/journal.js';

/** Attempts of the activity after which a read that fails is a finding, and not tried again. */
const attempts = 3;
/** Characters of DDL in a dry run's plan: a Temporal payload must stay below 2 MB. */
const ddlLimit = 500_000;

/** The step before the first change: read both sides, find everything that is wrong, make the plan. */
export function preflightActivities(clients: Clients) {
  return {
    /**
     * Reads both sides, finds everything that is wrong and makes the plan. A migration that passes is written down
     * (its journal and its record); nothing else is changed. docs/preflight.md lists the checks.
     * @throws PREFLIGHT_REFUSED with everything that stops it, or the error itself where there is only one
     */
    async preflight({ id, runId }: MigrationRef, input: MigrateInput): Promise<PreflightReport> {
      const reads = new Reads();
      return withHeartbeat(async () => {
        const { plan, findings, details } = await new Preflight(reads, clients, input, runId).run();
        if (reads.transient !== undefined && Context.current().info.attempt < attempts) throw reads.transient;
        const all = [...reads.findings, ...findings];
        const stopping = blocking(all, input.accept);
        if (plan === undefined || (stopping.length > 0 && !input.dryRun)) throw refusal(stopping);
        if (details !== undefined) return { outcome: 'planned', plan, findings: capped(all), details };
        const journals = new JournalStore(clients.target, id);
        await journals.begin(runId, input.source);
        await journals.writeRecord(runId, { input, plan });
        return { outcome: 'recorded', findings: capped(all), tables: nameList(tableNames(plan)) };
      });
    },
  };
}

class Preflight {
  private readonly from;
  private readonly to;

  constructor(
    private readonly reads: Reads,
    private readonly clients: Clients,
    private readonly input: MigrateInput,
    private readonly runId: string,
  ) {
    this.from = parseSourceIdentifier(input.source);
    this.to = parseWorkflowIdentifier(input.target);
  }

  async run(): Promise<{ plan?: Plan; findings: Finding[]; details?: PlanDetails }> {
    const { reads, clients, to } = this;
    const place = clients.target.place({ keyspace: to.keyspace });
    const [source, journal] = await Promise.all([
      this.readSourceSide(),
      reads.need(place, async () => ({ journal: await new JournalStore(clients.target, to).read() })),
      reads.need(place, () => clients.vtgate.ping()),
    ]);
    const own = journal?.journal?.runId === this.runId ? journal.journal : undefined;
    const known = await reads.need(place, async () => (await clients.target.requireKeyspace(to.keyspace), true));
    const target =
      known === undefined
        ? undefined
        : await readTarget(reads, clients, to, source?.side.facts.tables.map(({ name }) => name) ?? [], own);
    const owned =
      journal?.journal === undefined || own !== undefined
        ? []
        : [ownedByAnother(this.input.target, journal.journal, place)];
    if (source === undefined || target === undefined) return { findings: owned };
    const { plan, problems } = makePlan(this.input, source.side.facts, target);
    const inspected = await this.inspect(source, target, plan, own);
    const details = this.input.dryRun ? { details: await this.details(source.topology, plan) } : {};
    return { plan, ...details, findings: [...owned, ...problems, ...inspected] };
  }

  private async readSourceSide(): Promise<{ topology: Topology; side: SourceSide } | undefined> {
    const { reads, clients, from } = this;
    const topology = await reads.need(clients.target.place(), () => clients.source(from.mount));
    if (topology === undefined) return undefined;
    const known = await reads.need(
      topology.place({ keyspace: from.keyspace }),
      async () => (await topology.requireKeyspace(from.keyspace), true),
    );
    const side = known === undefined ? undefined : await readSource(reads, clients, topology, from.keyspace);
    return side === undefined ? undefined : { topology, side };
  }

  /** Everything beyond the plan's own needs. */
  private async inspect(
    source: { topology: Topology; side: SourceSide },
    target: TargetFacts,
    plan: Plan,
    own: Journal | undefined,
  ): Promise<Finding[]> {
    const { reads, clients } = this;
    const [inSource, inTopology] = await Promise.all([
      inspectSource(reads, clients, source.topology, plan, source.side.tablets),
      inspectTopology(reads, clients, plan, this.runId),
    ]);
    const inTarget = await inspectTarget(reads, clients, withoutOwn(plan, own), target, inSource.tables);
    const places = {
      source: source.topology.place({ keyspace: plan.source.keyspace }),
      target: clients.target.place({ keyspace: plan.target.keyspace }),
    };
    return [
      ...inSource.findings,
      ...judgeAddresses(inTarget.primaries, { topoServer: source.topology.server, tablets: inSource.tablets }),
      ...judgeTables({
        tables: inSource.tables,
        views: this.input.all ? inSource.views : [],
        source: places.source,
        target: { sharded: plan.target.sharded, vschema: target.vschema, place: places.target },
      }),
      ...judgeVindexes(inSource.tables, source.side.facts.vschema, target.vschema, places.target),
      ...judgeVersions(inSource.servers, inTarget.servers),
      ...inTopology,
      ...inTarget.findings,
    ];
  }

  private async details(source: Topology, plan: Plan): Promise<PlanDetails> {
    const { reads, clients } = this;
    const shard = plan.source.shards[0]?.name ?? '';
    const missing = [...new Set(Object.values(plan.missingTables).flat())];
    const [tables, cellRoots] = await Promise.all([
      reads.want('the definitions of the tables', source.place({ keyspace: plan.source.keyspace, shard }), async () =>
        missing.length === 0 ? [] : (await clients.primary(source, plan.source.keyspace, shard)).tables(missing),
      ),
      reads.want('the cells', clients.target.place(), () => readCellRoots(clients.target)),
    ]);
    let room = ddlLimit;
    const fitting = (tables ?? []).filter(({ ddl }) => (room -= ddl.length) >= 0);
    return {
      ddl: Object.fromEntries(fitting.map(({ name, ddl }) => [name, ddl])),
      topologyWrites: topologyWrites(
        plan,
        { target: clients.target.root, cells: cellRoots ?? {}, source: source.root },
        this.input.fenceSource,
      ),
    };
  }
}

/** Tables this run has made already are not judged against the source they came from. */
function withoutOwn(plan: Plan, own: Journal | undefined): Plan {
  const made = new Set(Object.values(own?.createdTables ?? {}).flat());
  return { ...plan, tables: plan.tables.filter(({ name }) => !made.has(name)) };
}
