import { Context } from '@temporalio/activity';
import { JournalStore, type Journal } from '../../effects/journal.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import type { MigrateInput } from '../../migration/input/input.js';
import type { PreflightReport } from '../../migration/lifecycle/preflight-report.js';
import { nameList, type MigrationRef } from '../../migration/plan/reference.js';
import { tableNames, type Plan } from '../../migration/plan/plan.js';
import { shownPlan } from '../../migration/plan/shown-plan.js';
import type { Answers } from '../../migration/preflight/facts.js';
import { judge } from '../../migration/preflight/judge.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { blocking, bytesInStatus, capped, refusal, type Finding } from '../../migration/preflight/finding.js';
import type { Clients } from '../../vitess/clients.js';
import { notYetFinal } from '../step/failure.js';
import { withHeartbeat } from '../step/heartbeat.js';
import type { Pace } from '../step/pace.js';
import { detailsOf } from './details.js';
import { allFacts, readFacts } from './read-facts.js';
import { Sides } from './sides.js';

/** Attempts of the activity after which a read that fails is a finding, and not tried again. */
const attempts = 3;

/** The step before the first change: read the facts, ask the checks, make the plan. */
export function preflightActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Reads both sides, finds everything that is wrong and makes the plan. A migration that passes is written down
     * (its journal and its record); nothing else is changed. docs/preflight.md lists the checks.
     * @throws PREFLIGHT_REFUSED with everything that stops it, or the error itself where there is only one
     */
    async preflight(ref: MigrationRef, input: MigrateInput): Promise<PreflightReport> {
      const looking = async (): Promise<PreflightReport> => {
        const request = { input, source: parseSourceIdentifier(input.source), target: ref.id, runId: ref.runId };
        const sides = new Sides(clients, request);
        // What is only read may be abandoned.
        const answers = await Promise.race([readFacts(sides, allFacts), Context.current().cancelled]);
        const passing = transient(answers);
        if (passing !== undefined && Context.current().info.attempt < attempts) throw passing;
        const findings = judge(answers);
        const plan = answers.plan?.value;
        const stopping = blocking(findings, input.accept);
        if (plan === undefined || (stopping.length > 0 && !input.dryRun)) {
          const isForgotten = await forgetUntouched(new JournalStore(clients.target, ref.id), ref.runId);
          throw isForgotten ? refusal(stopping) : notYetFinal(refusal(stopping));
        }
        if (!input.dryRun) return record(clients, ref, input, plan, findings);
        const { details, unread } = await detailsOf(sides, answers, plan);
        return { outcome: 'planned', plan: shownPlan(plan), findings: capped([...findings, ...unread]), details };
      };
      return withHeartbeat((_, tell) => pace.creating(tell, looking, true));
    },
  };
}

/** An error that may pass by itself, of a fact without which preflight refuses. */
function transient(answers: Answers): MigrationError | undefined {
  return Object.values(answers)
    .flatMap(({ what, unread }) => (what === null ? unread : []))
    .find(({ retryable }) => retryable);
}

/** Writes the migration down: from here on it is the run's own. */
async function record(
  clients: Clients,
  { id, runId }: MigrationRef,
  input: MigrateInput,
  plan: Plan,
  findings: readonly Finding[],
): Promise<PreflightReport> {
  const journals = new JournalStore(clients.target, id);
  try {
    await journals.begin(runId, input.source);
    await journals.writeRecord(runId, { input, plan });
  } catch (error) {
    // A journal without a record is of no use. Before the last attempt it stays, for the next one to continue.
    if (Context.current().info.attempt >= attempts) await forgetUntouched(journals, runId);
    throw error;
  }
  return { outcome: 'recorded', findings: capped(findings, bytesInStatus), tables: nameList(tableNames(plan)) };
}

/**
 * Removes the journal that this run has begun, unless something has been made since.
 * @returns false when it cannot be known whether it is gone
 */
async function forgetUntouched(journals: JournalStore, runId: string): Promise<boolean> {
  try {
    const journal = await journals.read();
    if (journal?.runId === runId && isUntouched(journal)) await journals.remove(runId);
    return true;
  } catch (error) {
    // The refusal is the better error: its reasons include a topology that does not answer.
    if (!(error instanceof MigrationError)) throw error;
    return false;
  }
}

function isUntouched(journal: Journal): boolean {
  const { createdTables, deniedTables, vschemaTables, fencedTables, streams, forward, sourceRenamed } = journal;
  const made = [createdTables, deniedTables, fencedTables].flatMap((lists) => Object.values(lists).flat());
  return made.length + vschemaTables.length === 0 && !streams && !forward && !sourceRenamed;
}
