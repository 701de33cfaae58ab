import { fitting } from '../problem/bounded.js';
import { judge, leftBehind, ofWorkflow, type Judgement } from './judge.js';
import { named, refusals } from './removal.js';
import type { Found } from './residue.js';
import type { RunState, Survey } from './survey.js';

/** What an audit is to show, and to remove. */
export interface AuditRequest {
  /** Only what belongs to this workflow. */
  workflow?: string | undefined;
  /** Names of residue. */
  remove: string[];
}

/** What one look of an audit answers: bounded, whatever the keyspace has. */
export interface AuditLook {
  judgement: Judgement;
  /** What is to be removed, and why it cannot be. */
  named: Found[];
  refusals: string[];
  runs: RunState[];
  /** The run ID in each journal, by workflow. */
  seen: Record<string, string>;
}

/** Things, and their bytes, that an answer lists: a table of a large migration is two things on each shard. */
const mostThings = 2_000;
const mostBytes = 300_000;

/** Judges a survey. */
export function lookOf(survey: Survey, runs: RunState[], { workflow, remove }: AuditRequest): AuditLook {
  const whole = judge(survey, runs);
  return {
    judgement: bounded(workflow === undefined ? whole : ofWorkflow(whole, workflow)),
    named: named(whole, remove),
    refusals: refusals(whole, remove),
    runs,
    seen: Object.fromEntries(survey.journals.map((journal) => [journal.workflow, journal.runId])),
  };
}

/** The workflows about which Temporal is asked. */
export function surveyedWorkflows({ journals, streams }: Survey): string[] {
  return [...new Set([...journals, ...streams].map((each) => each.workflow))];
}

/** Residue comes first where not all of it fits; in the order in which it was found. */
function bounded(judgement: Judgement): Judgement {
  const { found } = judgement;
  const left = leftBehind(judgement);
  const shown = new Set(fitting([...left, ...found.filter(({ live }) => live)], mostThings, mostBytes));
  const hidden = (all: readonly Found[]) => all.filter((thing) => !shown.has(thing)).length;
  const unlisted = { residue: hidden(left), live: hidden(found) - hidden(left) };
  return { ...judgement, found: found.filter((thing) => shown.has(thing)), unlisted };
}
