import type { Plan } from '../../migration/plan/plan.js';
import type { PlanDetails } from '../../migration/plan/topology-write.js';
import { sourceTables } from '../../migration/plan/plan.js';
import { totalsOfPlan } from '../../migration/plan/shown-plan.js';
import { notReadable } from '../../migration/preflight/checks/not-readable.js';
import type { Answers } from '../../migration/preflight/facts.js';
import { stamp, type Finding } from '../../migration/preflight/finding.js';
import { describeTopologyWrites } from '../../effects/describe.js';
import type { Roots } from '../../migration/plan/topology-write.js';
import { readCellRoots } from '../../vitess/topology/cells.js';
import type { Topology } from '../../vitess/topology/topology.js';
import type { Sides } from './sides.js';

/** Characters of DDL in the answer of a dry run: a Temporal payload has to stay small. */
const ddlLimit = 150_000;

/** What a dry run shows besides the plan, and what could not be read for it. */
export async function detailsOf(
  sides: Sides,
  answers: Answers,
  plan: Plan,
): Promise<{ details: PlanDetails; unread: Finding[] }> {
  const { clients, request } = sides;
  const mount = answers.mount?.value;
  const source = mount === undefined ? undefined : clients.external(request.source.mount, mount);
  const [target, ofSource] = await Promise.all([rootsOf(sides, clients.target), source && rootsOf(sides, source)]);
  const none: Roots = { global: '', cells: {} };
  const writes = describeTopologyWrites({
    plan,
    request: request.input,
    target: target.roots,
    source: ofSource?.roots ?? none,
  });
  const unread = [...target.unread, ...(ofSource?.unread ?? [])];
  const ddl = definitionsOf(answers, plan);
  return { unread, details: { ddl, topologyWrites: writes, totals: totalsOfPlan(plan) } };
}

/** Where a cluster keeps its records, and a finding when its cells cannot be read. */
async function rootsOf(sides: Sides, topology: Topology): Promise<{ roots: Roots; unread: Finding[] }> {
  const cells = await sides.one(topology.place(), () => readCellRoots(topology));
  const unread = cells.unread.map(({ what, place, remedy }) =>
    stamp(notReadable, { message: `the cells could not be read (${what})`, place, remedy }),
  );
  return { roots: { global: topology.root, cells: cells.value ?? {} }, unread };
}

/** The definitions of the tables that are made, as many as fit. */
function definitionsOf({ sourceSchemas }: Answers, plan: Plan): Record<string, string> {
  const known = sourceTables({ sourceSchemas: sourceSchemas?.value ?? [] });
  let room = ddlLimit;
  const missing = [...new Set(Object.values(plan.missingTables).flat())].flatMap((name) => known.get(name) ?? []);
  const fitting = missing.filter(({ ddl }) => (room -= ddl.length) >= 0);
  return Object.fromEntries(fitting.map(({ name, ddl }) => [name, ddl]));
}
