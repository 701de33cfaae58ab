import { judge, ofWorkflow, refusals, type Judgement, type RunState } from '../migration/audit/judge.js';
import { MigrationError } from '../migration/problem/errors.js';
import { auditInputSchema, parseWith, type AuditInput } from '../migration/input/input.js';
import { locked, quick } from './activities.js';
import { toWorkflowFailure } from './failures.js';

/** What the workflow `audit` returns: what there is, after the removal where one was asked for. */
export interface AuditResult extends Judgement {
  /** Names of what was removed. */
  removed: string[];
}

/**
 * Lists what migrations have left in a target keyspace, says what is residue, and removes what is named.
 * @param rawInput see `auditInputSchema`
 */
export async function audit(rawInput: unknown): Promise<AuditResult> {
  try {
    return await act(parseWith(auditInputSchema, rawInput ?? {}, 'the input of the workflow audit'));
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

async function act({ keyspace, workflow, remove }: AuditInput): Promise<AuditResult> {
  let { judgement, runs, seen } = await look(keyspace);
  if (remove.length > 0) {
    const reasons = refusals(judgement, remove);
    if (reasons.length > 0)
      throw new MigrationError(
        'NOT_REMOVABLE',
        `nothing has been removed: ${reasons.join('; ')}`,
        { cluster: 'target', keyspace },
        `name only what vtmigrate Audit ${keyspace} lists as residue`,
      );
    await locked.remove(keyspace, remove, runs, seen);
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
