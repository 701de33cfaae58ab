import { judge, ofWorkflow, type Judgement } from '../migration/audit/judge.js';
import { named, notRemovable, refusals } from '../migration/audit/removal.js';
import type { RunState } from '../migration/audit/survey.js';
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
  let { judgement, runs, seen } = await look(keyspace);
  if (remove.length > 0) {
    const reasons = refusals(judgement, remove);
    if (reasons.length > 0) throw notRemovable(keyspace, `nothing has been removed: ${reasons.join('; ')}`);
    await locked.remove(keyspace, named(judgement, remove), runs, seen);
    ({ judgement, runs, seen } = await look(keyspace));
  }
  return { ...(workflow === undefined ? judgement : ofWorkflow(judgement, workflow)), removed: remove };
}

async function look(
  keyspace: string,
): Promise<{ judgement: Judgement; runs: RunState[]; seen: Record<string, string> }> {
  const survey = await quick.survey(keyspace);
  const workflows = [...new Set([...survey.journals, ...survey.streams].map((each) => each.workflow))];
  const runs = await quick.runs(keyspace, workflows);
  return {
    judgement: judge(survey, runs),
    runs,
    seen: Object.fromEntries(survey.journals.map((journal) => [journal.workflow, journal.runId])),
  };
}
