/**
 * What a client needs to start, signal, update and query a migration: the types and schemas of its inputs, its
 * messages, status, results and error codes. It loads no worker and no native code; docs/client.md has an example.
 */
import type { z } from 'zod';
import type {
  adoptInputSchema,
  auditInputSchema,
  completeRequestSchema,
  leaveRequestSchema,
  migrateInputSchema,
  mountInputSchema,
  readinessInputSchema,
  tablesInputSchema,
} from './migration/input/input.js';
import type { CompleteAnswer } from './migration/lifecycle/messages.js';
import type { MigrateResult } from './migration/lifecycle/result.js';
import type { TablePage } from './migration/lifecycle/table-page.js';
import type { AuditResult } from './workflows/audit.js';
import type { MountResult } from './workflows/mount.js';

/** The input of the workflow `migrate`, as a client writes it: every field with a default is optional. */
export type MigrateInput = z.input<typeof migrateInputSchema>;
/** The input of the workflow `migrate` that takes over a migration which the cluster's records describe. */
export type AdoptInput = z.input<typeof adoptInputSchema>;
/** The input of the workflow `mount`. */
export type MountInput = z.input<typeof mountInputSchema>;
/** The input of the workflow `audit`. */
export type AuditInput = z.input<typeof auditInputSchema>;
/** The input of the workflow `readiness`. */
export type ReadinessInput = z.input<typeof readinessInputSchema>;
/** The input of the workflow `tables`. */
export type TablesInput = z.input<typeof tablesInputSchema>;
/** The payload of the signal and the update `complete`. */
export type CompleteRequest = z.input<typeof completeRequestSchema>;

/** The payload of the signal and the update `leave`. */
export type LeaveRequest = z.input<typeof leaveRequestSchema>;

/** The workflow types, for `client.workflow.start<Migrate>('migrate', …)`. The workflow ID is the input's `target`. */
export type Migrate = (input: MigrateInput | AdoptInput) => Promise<MigrateResult>;
export type Mount = (input: MountInput) => Promise<MountResult>;
export type Audit = (input: AuditInput) => Promise<AuditResult>;
export type Readiness = (input: ReadinessInput) => Promise<CompleteAnswer>;
export type Tables = (input: TablesInput) => Promise<TablePage>;

export {
  adoptInputSchema,
  auditInputSchema,
  completeRequestSchema,
  leaveRequestSchema,
  mountInputSchema,
  readinessInputSchema,
  tablesInputSchema,
} from './migration/input/input.js';
export { migrateContract as migrateInputSchema } from './migration/preflight/contract.js';
export * from './workflows/messages.js';
export type { MigrateResult } from './migration/lifecycle/result.js';
export type { Phase, Status } from './migration/lifecycle/status.js';
export type { TablePage } from './migration/lifecycle/table-page.js';
export type { AuditResult } from './workflows/audit.js';
export type { MountResult } from './workflows/mount.js';
export { errorCodes, isErrorCode, type ErrorCode, type Place, type Problem } from './migration/problem/errors.js';
export { checks, type CheckName } from './migration/preflight/checks/index.js';
export type { Finding, Severity } from './migration/preflight/finding.js';
