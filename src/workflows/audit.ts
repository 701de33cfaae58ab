import type { Judgement } from '../migration/audit/judge.js';
import { notRemovable } from '../migration/audit/removal.js';
import { auditInputSchema, parseWith, type AuditInput } from '../migration/input/input.js';
import { locked, quick } from './activities.js';
import { toWorkflowFailure } from './failures.js';

/** What the workflow `audit` returns: what there is, after the removal if one was requested. */
export interface AuditResult extends Judgement {
  /** Names of what was removed. */
  removed: string[];
}

/**
 * Lists what migrations have made in a target keyspace, judges what is residue, and removes the residue that is named.
 * @param rawInput see `auditInputSchema`
 */
export async function audit(rawInput: unknown): Promise<AuditResult> {
  try {
    return await run(parseWith(auditInputSchema, rawInput ?? {}, 'the input of the workflow audit'));
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

async function run({ keyspace, workflow, remove }: AuditInput): Promise<AuditResult> {
  const { judgement, named, refusals, runs, seen } = await quick.lookAround(keyspace, { workflow, remove });
  if (remove.length === 0) return { ...judgement, removed: [] };
  if (refusals.length > 0) throw notRemovable(keyspace, `nothing has been removed: ${refusals.join('; ')}`);
  await locked.remove(keyspace, named, runs, seen);
  return { ...(await quick.lookAround(keyspace, { workflow, remove: [] })).judgement, removed: remove };
}
