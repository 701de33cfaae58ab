import type { Plan } from './plan.js';
import type { VDiffReport } from './vdiff.js';

/** What the workflow `migrate` returns. */
export type MigrateResult =
  | { outcome: 'completed'; workflow: string; source: string; tables: string[]; vdiff: VDiffReport | null }
  | { outcome: 'cancelled'; workflow: string; source: string; droppedTables: Record<string, string[]> }
  | { outcome: 'planned'; workflow: string; source: string; plan: Plan };
