import type { Plan, PlanDetails } from '../../migration/plan/plan.js';
import { sourceTables } from '../../migration/plan/plan.js';
import { notReadable } from '../../migration/preflight/checks/not-readable.js';
import type { Answers } from '../../migration/preflight/facts.js';
import { topologyWrites } from '../../migration/preflight/topology-writes.js';
import { stamp, type Finding } from '../../migration/problem/finding.js';
import { readCellRoots } from '../../vitess/topology/surroundings.js';
import type { Sides } from './sides.js';

/** Characters of DDL in a dry run's plan: a Temporal payload must stay below 2 MB. */
const ddlLimit = 500_000;

/** What a dry run shows besides the plan, and what could not be read for it. */
export async function detailsOf(
  sides: Sides,
  answers: Answers,
  plan: Plan,
): Promise<{ details: PlanDetails; unread: Finding[] }> {
  const { target } = sides.clients;
  const roots = await sides.one(target.place(), () => readCellRoots(target));
  const unread = roots.unread.map(({ what, place, remedy }) =>
    stamp(notReadable, { message: `the cells could not be read (${what})`, place, remedy }),
  );
  const cells = roots.value ?? {};
  const source = answers.mount?.value?.topoRoot ?? '';
  return {
    unread,
    details: {
      ddl: definitionsOf(answers, plan),
      topologyWrites: topologyWrites(plan, { target: target.root, cells, source }, sides.request.input.fenceSource),
    },
  };
}

/** The definitions of the tables that are made, as many as fit. */
function definitionsOf({ sourceSchemas }: Answers, plan: Plan): Record<string, string> {
  const known = sourceTables({ sourceSchemas: sourceSchemas?.value ?? [] });
  let room = ddlLimit;
  const missing = [...new Set(Object.values(plan.missingTables).flat())].flatMap((name) => known.get(name) ?? []);
  const fitting = missing.filter(({ ddl }) => (room -= ddl.length) >= 0);
  return Object.fromEntries(fitting.map(({ name, ddl }) => [name, ddl]));
}
