import type { ProofReport } from '../checksum/report.js';
import type { Problem } from '../problem/errors.js';
import { nameList } from '../plan/reference.js';
import type { VDiffReport } from '../proof/vdiff.js';
import { nothingUnlisted, noTotals, type Observation } from '../watch/observation.js';
import type { MigrateResult } from './result.js';
import { withObservation, type CreateReport, type Phase, type Status } from './status.js';

/** A failed step that Temporal is retrying. */
export interface Retry {
  activity: string;
  attempt: number;
  /** ISO 8601; null while the attempt is running. */
  nextAt: string | null;
  problem: Problem;
}

/** How a migration's workflow has closed. */
export interface ClosedRun {
  /** ISO 8601 */
  at: string;
  result: MigrateResult | null;
  /** The message of the failure; null when it closed with a result. */
  failure: string | null;
  problem: Problem | null;
  /** `failed` comes from the migration itself, the last three from Temporal. */
  how: 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out';
}

/** A migration as it is this very second. */
export interface Live {
  status: Status;
  /** Of the first run, as journals name it: a migration that continues as new keeps it. */
  runId: string;
  taskQueue: string;
  retries: Retry[];
  /** Null while it runs. */
  closed: ClosedRun | null;
}

/** What a step that waits says in its heartbeats. */
export interface Turn {
  /** What it waits for, in words. */
  turn: string;
}

/** What the pending activities add to the workflow's own status. */
export interface Pending {
  creating: CreateReport | null;
  observation: Observation | null;
  vdiff: VDiffReport | null;
  proof: ProofReport | null;
  /** What steps wait for before they begin. */
  turns: string[];
  retries: Retry[];
}

/** The status, updated with newer facts from the pending activities. */
export function withPending(status: Status, { creating, observation, vdiff, proof, turns, retries }: Pending): Status {
  const newer =
    observation !== null && (status.observedAt === null || observation.at > status.observedAt) ? observation : null;
  return {
    ...withObservation(status, newer),
    creating: status.phase === 'creating' ? creating : null,
    vdiff: vdiff !== null && status.phase === 'verifying' ? vdiff : status.vdiff,
    proof: proof !== null && (status.proof === null || proof.at > status.proof.at) ? proof : status.proof,
    waitingFor: [...status.waitingFor, ...turns],
    lastError: retries[0]?.problem ?? status.lastError,
  };
}

/**
 * The status of a closed migration: its own last answer, corrected by what Temporal knows.
 * @param recorded null when the workflow could not answer
 * @param id the workflow identifier, for a migration without a result
 */
export function statusOfClosed(closed: ClosedRun, recorded: Status | null, id = ''): Status {
  const base = recorded ?? bareStatus(closed, id);
  const phase = phaseOf(closed);
  const abandoned = closed.how === 'terminated' || closed.how === 'timed out';
  return {
    ...base,
    creating: null,
    phase,
    since: base.phase === phase ? base.since : closed.at,
    lastError: closed.problem ?? base.lastError,
    requested: [],
    waitingFor: abandoned
      ? [
          `a person: the Temporal workflow was ${closed.how}, so this migration no longer runs; ` +
            `vtmigrate Migrate Complete ${base.workflow}, or Migrate Cancel, takes over what is still there`,
        ]
      : [],
  };
}

function phaseOf({ result, how }: ClosedRun): Phase {
  if (result !== null) return result.outcome;
  return how === 'cancelled' ? 'cancelled' : 'failed';
}

function bareStatus({ at, result }: ClosedRun, id: string): Status {
  const completed = result?.outcome === 'completed' ? result : null;
  return {
    workflow: result?.workflow ?? id,
    source: result?.source ?? '',
    phase: 'failed',
    since: at,
    observedAt: null,
    creating: null,
    copiedPercent: completed === null ? 0 : 100,
    remainingSeconds: null,
    lagSeconds: null,
    streams: [],
    unlisted: nothingUnlisted,
    totals: noTotals,
    tables: [],
    vdiff: completed?.vdiff ?? null,
    vdiffsFinished: 0,
    requested: [],
    waitingFor: [],
    needsPerson: null,
    createDone: false,
    served: false,
    proof: null,
    repair: null,
    missing: [],
    overridden: [],
    cutover: completed?.cutover ?? null,
    tableNames: nameList([]),
    left: completed?.left ?? nameList([]),
    refusal: null,
    restarts: null,
    lastError: null,
    problems: [],
    warnings: [],
    findings: [],
    pastNoReturn: completed !== null,
    serving: false,
    retireAt: null,
  };
}
