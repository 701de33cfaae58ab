import { leftBehind } from '../../migration/audit/judge.js';
import type { AuditRequest } from '../args/audit.js';
import { renderAudit } from '../output/audit.js';
import type { Terminal } from '../output/terminal.js';
import { runAuditWorkflow } from '../temporal/one-off.js';
import type { Session } from '../temporal/session.js';

/** Runs the workflow `audit` and prints its result; returns the exit code: 1 for residue. @throws CommandError */
export async function runAudit({ input, json }: AuditRequest, session: Session, terminal: Terminal): Promise<number> {
  const result = await runAuditWorkflow(session, input);
  if (json) terminal.print(JSON.stringify(result, null, 2));
  else terminal.print(...result.removed.map((name) => `Removed ${name}`), ...renderAudit(result));
  return leftBehind(result).length === 0 ? 0 : 1;
}
