import { JournalStore } from '../../effects/journal.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import type { ProveOptions } from '../../migration/lifecycle/state.js';
import type { MigrationRef } from '../../migration/plan/reference.js';
import { checksFor } from '../../migration/preflight/checks/index.js';
import { judge } from '../../migration/preflight/judge.js';
import { blocking } from '../../migration/preflight/finding.js';
import type { Gap } from '../../migration/proof/gaps.js';
import type { Clients } from '../../vitess/clients.js';
import { readFacts } from './read-facts.js';
import { Sides } from './sides.js';

/**
 * Asks the checks of Complete once more, against the plan and the input of the record. Changes nothing.
 * @param said what was said with Complete, and wins over the input
 * @returns what stops the migration: errors, and warnings that are not accepted
 * @throws MigrationError MIGRATION_EXISTS when another run owns the migration, or none
 */
export async function recheck(clients: Clients, { id, runId }: MigrationRef, said: ProveOptions): Promise<Gap[]> {
  const { input: recorded, plan } = await new JournalStore(clients.target, id).requireRecord(runId);
  const input = { ...recorded, ...said };
  const request = { input, source: parseSourceIdentifier(input.source), target: id, runId };
  const checks = checksFor('complete');
  const needed = [...new Set(checks.flatMap(({ needs }) => needs))];
  const answers = await readFacts(new Sides(clients, request), needed, { plan });
  return blocking(judge(answers, checks), input.accept).map(({ code, message, place, remedy }) => ({
    code,
    message,
    place,
    remedy,
  }));
}
