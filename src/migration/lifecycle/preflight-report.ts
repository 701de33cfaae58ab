import type { NameList } from '../plan/reference.js';
import type { Plan } from '../plan/plan.js';
import type { PlanDetails } from '../plan/topology-write.js';
import type { Finding } from '../preflight/finding.js';

/**
 * What preflight answers. A migration that passes is written down (journal and record), and only its findings go
 * into the history; a dry run writes nothing, so its plan is the answer.
 */
export type PreflightReport =
  | { outcome: 'recorded'; findings: Finding[]; tables: NameList }
  | { outcome: 'planned'; plan: Plan; findings: Finding[]; details: PlanDetails };
