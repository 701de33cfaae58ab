import { JournalStore } from '../../effects/journal.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import type { MigrationRef } from '../../migration/lifecycle/reference.js';
import { checksFor } from '../../migration/preflight/checks/index.js';
import { judge } from '../../migration/preflight/judge.js';
import { blocking, type Finding } from '../../migration/preflight/finding.js';
import type { Clients } from '../../vitess/clients.js';
import { readFacts } from './read-facts.js';
import { Sides } from './sides.js';

/**
 * Asks the checks of Complete once more, against the plan and the input of the record. Changes nothing.
 * @returns every finding, and those of them that stop the migration: errors, and warnings that are not accepted
 * @throws MigrationError MIGRATION_EXISTS when the record is gone
 */
export async function recheck(
  clients: Clients,
  { id, runId }: MigrationRef,
): Promise<{ findings: Finding[]; stopping: Finding[] }> {
  const { input, plan } = await new JournalStore(clients.target, id).requireRecord();
  const request = { input, source: parseSourceIdentifier(input.source), target: id, runId };
  const checks = checksFor('complete');
  const answers = await readFacts(new Sides(clients, request), [...new Set(checks.flatMap(({ needs }) => needs))], {
    plan,
  });
  const findings = judge(answers, checks);
  return { findings, stopping: blocking(findings, input.accept) };
}
