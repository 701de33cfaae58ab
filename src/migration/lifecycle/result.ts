import type { ProofReport } from '../checksum/report.js';
import type { Problem } from '../problem/errors.js';
import type { Plan } from '../plan/plan.js';
import type { PlanDetails } from '../plan/topology-write.js';
import type { Finding } from '../preflight/finding.js';
import type { NameList } from '../plan/reference.js';
import type { Cutover } from '../proof/cutover.js';
import type { Gap } from '../proof/gaps.js';
import type { Retirement } from '../proof/source-tables.js';
import type { VDiffReport } from '../proof/vdiff.js';

/** What the workflow `migrate` returns. */
export type MigrateResult =
  | {
      outcome: 'completed';
      workflow: string;
      source: string;
      tables: NameList;
      /** Tables that left the migration before; a result of an earlier version has none. */
      left?: NameList;
      vdiff: VDiffReport | null;
      /** The rows of both sides as they were last compared. */
      proof: ProofReport | null;
      /** FLOAT columns that were set from the source; a result of an earlier version has none. */
      repair?: { tables: NameList; rows: number } | null;
      /** What `force` and `acceptRows` have accepted. */
      overridden: Gap[];
      /** How long nobody could write to the tables; null without a fence. A result of an earlier version has none. */
      cutover?: Cutover | null;
      /** True when the source's tables are still denied to applications there. */
      fenced: boolean;
      sourceTables: Retirement;
      warnings: Problem[];
    }
  | {
      outcome: 'cancelled';
      workflow: string;
      source: string;
      /** By target shard. */
      droppedTables: Record<string, NameList>;
      /** What could not be undone; a result of an earlier version has none. */
      warnings?: Problem[];
    }
  | {
      outcome: 'planned';
      workflow: string;
      source: string;
      plan: Plan;
      findings: Finding[];
      details: PlanDetails;
    };
