import type { MigrateInput, MountConfig } from '../input/input.js';
import type { Plan } from './plan.js';
import type { PlanTotals } from './shown-plan.js';

/** One key of a topology that a migration writes. */
export interface TopologyWrite {
  /** `target`, or the mount's name. */
  cluster: string;
  /** The whole key; `…` at its end stands for any suffix. */
  key: string;
  /** What is written and when, for a person. */
  what: string;
}

/** What a person reads before deciding: the definitions of new tables and every key of the topology that is written. */
export interface PlanDetails {
  /** By table; those that fit into a history. */
  ddl: Record<string, string>;
  topologyWrites: TopologyWrite[];
  /** Of all tables, of which the plan shows those that fit; the answer of an earlier version shows all. */
  totals?: PlanTotals;
}

/** Where a cluster keeps its records. */
export interface Roots {
  /** The global root. */
  global: string;
  /** The root of each cell. */
  cells: Record<string, string>;
}

/** Everything that decides which keys a migration writes. */
export interface Description {
  plan: Plan;
  request: Pick<MigrateInput, 'fenceSource' | 'sourceTables'> & { mount?: MountConfig | undefined };
  target: Roots;
  source: Roots;
}
