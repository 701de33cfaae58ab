import { bytesOf } from '../problem/bounded.js';
import type { Plan } from './plan.js';

/** Bytes of a plan that a dry run answers with: a Temporal payload has to stay small. */
const mostBytes = 200_000;

/** All tables of a plan together. */
export interface PlanTotals {
  tables: number;
  rows: number;
  bytes: number;
}

export function totalsOfPlan({ tables }: Plan): PlanTotals {
  const sum = (of: 'rows' | 'bytes') => tables.reduce((total, table) => total + table[of], 0);
  return { tables: tables.length, rows: sum('rows'), bytes: sum('bytes') };
}

/** The plan with as many of its first tables as fit into an answer: all of a few hundred. */
export function shownPlan(plan: Plan): Plan {
  for (let most = plan.tables.length; ; most = Math.floor(most * 0.8)) {
    const shown = most === plan.tables.length ? plan : planOfFirst(plan, most);
    if (most === 0 || bytesOf(shown) <= mostBytes) return shown;
  }
}

function planOfFirst(plan: Plan, most: number): Plan {
  const tables = plan.tables.slice(0, most);
  const names = new Set(tables.map(({ name }) => name));
  const listed = (all: readonly string[]) => all.filter((name) => names.has(name));
  return {
    ...plan,
    tables,
    missingTables: Object.fromEntries(Object.entries(plan.missingTables).map(([shard, all]) => [shard, listed(all)])),
    missingInVSchema: listed(plan.missingInVSchema),
  };
}
