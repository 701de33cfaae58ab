import type { Problem } from '../problem/errors.js';
import type { Plan } from '../plan/plan.js';
import type { PlanDetails } from '../plan/topology-write.js';
import type { Finding } from '../preflight/finding.js';
import type { NameList } from '../plan/reference.js';
import type { Retirement } from '../proof/source-tables.js';
import type { VDiffReport } from '../proof/vdiff.js';

/** What the workflow `migrate` returns. */
export type MigrateResult =
  | {
      outcome: 'completed';
      workflow: string;
      source: string;
      tables: NameList;
      vdiff: VDiffReport | null;
      /** True when the source's tables are still denied to applications there. */
      fenced: boolean;
      sourceTables: Retirement;
      warnings: Problem[];
    }
  | { outcome: 'cancelled'; workflow: string; source: string; droppedTables: Record<string, NameList> }
  | {
      outcome: 'planned';
      workflow: string;
      source: string;
      plan: Plan;
      findings: Finding[];
      details: PlanDetails;
    };
