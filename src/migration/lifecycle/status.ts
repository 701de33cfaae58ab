import type { ProofReport } from '../checksum/report.js';
import type { Problem } from '../problem/errors.js';
import type { Finding } from '../preflight/finding.js';
import {
  maxLagSeconds,
  nothingUnlisted,
  noTotals,
  type CopyTotals,
  type Observation,
  type Unlisted,
} from '../watch/observation.js';
import type { VDiffReport } from '../proof/vdiff.js';
import type { Cutover } from '../proof/cutover.js';
import type { Gap } from '../proof/gaps.js';
import { nameList, type NameList } from '../plan/reference.js';
import { readiness } from './next-step.js';
import { phases, type Phase } from './phases.js';
import type { Intents, MigrationState, Repairs } from './state.js';

export type { Phase } from './phases.js';

/** Messages that take a while to be carried out. */
const requestable = ['complete', 'cancel', 'vdiff', 'pause', 'resume', 'leave', 'updateOptions'] as const;

/** How far Create has come with the tables of the target, those of each shard counted by themselves. */
export interface CreateReport {
  /** Tables that are there. */
  tables: number;
  of: number;
}

/** The answer of the query `status`: plain JSON, part of the public contract. */
export interface Status {
  workflow: string;
  source: string;
  phase: Phase;
  /** ISO 8601: when the phase began. */
  since: string;
  /** ISO 8601: when the clusters were seen like this. */
  observedAt: string | null;
  /** While Create makes tables. Null in the workflow's answer: the heartbeat of the running step has it. */
  creating: CreateReport | null;
  copiedPercent: number;
  remainingSeconds: number | null;
  lagSeconds: number | null;
  /** Some of the streams where there are many: first those in trouble. */
  streams: Observation['streams'];
  /** Streams and problems that are there besides; a worker of an earlier version lists all. */
  unlisted: Unlisted;
  /** Of all tables. */
  totals: CopyTotals;
  /** Some of the tables: first those that are copying, then the waiting, then the copied ones. */
  tables: Observation['tables'];
  vdiff: VDiffReport | null;
  /** How many have finished. */
  vdiffsFinished: number;
  /** How far the rows have been compared by their checksums; null before that has begun. */
  proof: ProofReport | null;
  /** What repairs of FLOAT columns have done; null where none has finished. */
  repair: { tables: NameList; rows: number } | null;
  /** What has been asked for and not yet been done. */
  requested: (typeof requestable)[number][];
  /** What it waits for, in words; empty while it works. */
  waitingFor: string[];
  /** Set when nothing goes on until a person acts. No reason is given for a pause that a person asked for. */
  needsPerson: { reason: Problem[] } | null;
  /** Create is done: the streams are there, or have done their work. */
  createDone: boolean;
  /** The target serves the tables; all that is to come is `retireAt`. */
  served: boolean;
  /** What Complete's proof lacked when it was last tried. */
  missing: Gap[];
  /** What `force` and `acceptRows` have accepted. */
  overridden: Gap[];
  /** How long nobody could write to the tables; null before the target takes writes, and without a fence. */
  cutover: Cutover | null;
  /** How often streams that Vitess had ended, or that found no tablet, were helped on lately; when last (ISO 8601). */
  restarts: { count: number; at: string } | null;
  /** The error of a step that is being tried again. */
  lastError: Problem | null;
  /** The tables that it moves. */
  tableNames: NameList;
  /** Tables that have left the migration: it no longer knows them. */
  left: NameList;
  /** Why what was asked for last, of leave and updateOptions, cannot be done. */
  refusal: Problem | null;
  /** What is wrong in the clusters. */
  problems: Problem[];
  /** Nothing waits for these, and a person should know them all the same. */
  warnings: Problem[];
  /** What preflight found and what did not stop the migration: accepted warnings, and notices. */
  findings: Finding[];
  pastNoReturn: boolean;
  /** The tables are tried through vtgate, which `skip` ends. */
  serving: boolean;
  /** ISO 8601: when the source's tables are to be renamed or dropped; null before the target serves. */
  retireAt: string | null;
}

/** The status of a migration, as of its last observation. */
export function statusOf(state: MigrationState): Status {
  const { facts, intents, progress } = state;
  const { waitingFor, needsPerson } = readiness(state);
  const bare: Status = {
    workflow: facts.workflow,
    source: facts.source,
    phase: progress.phase,
    since: progress.since,
    observedAt: null,
    creating: null,
    copiedPercent: 0,
    remainingSeconds: null,
    lagSeconds: null,
    streams: [],
    unlisted: nothingUnlisted,
    totals: noTotals,
    tables: [],
    vdiff: facts.vdiff,
    vdiffsFinished: progress.vdiffsFinished,
    proof: facts.proof,
    repair: facts.repair === null ? null : shownRepair(facts.repair),
    requested: requested(state, intents),
    waitingFor,
    needsPerson,
    createDone: phases[progress.phase].createDone,
    served: progress.retirement?.waiting ?? false,
    missing: facts.missing,
    overridden: facts.overridden,
    cutover: facts.cutover,
    tableNames: facts.tables,
    left: facts.left,
    refusal: progress.refusal,
    restarts: shownRestarts(progress.restarts),
    lastError: progress.lastError,
    problems: [],
    warnings: facts.warnings,
    findings: facts.findings,
    pastNoReturn: progress.reached === 'no return',
    serving: progress.serving,
    retireAt: progress.retirement?.at ?? null,
  };
  return withObservation(bare, facts.observation);
}

function requested({ progress }: MigrationState, intents: Intents): Status['requested'] {
  if (phases[progress.phase].final) return [];
  const all = {
    complete: intents.complete !== null,
    cancel: intents.cancel,
    vdiff: intents.vdiff && progress.vdiffsFinished > 0 && progress.phase !== 'verifying',
    pause: intents.streams.want === 'pause' && progress.phase !== 'paused',
    resume: intents.streams.want === 'resume',
    leave: intents.leave.length > 0,
    updateOptions: intents.options !== null,
  };
  return requestable.filter((name) => all[name]);
}

function shownRestarts({ count, at }: MigrationState['progress']['restarts']): Status['restarts'] {
  return count === 0 ? null : { count, at: new Date(at).toISOString() };
}

/** What a status and a result say of a repair: of a bounded size. */
export function shownRepair({ tables, rows }: Repairs): { tables: NameList; rows: number } {
  return { tables: nameList(tables), rows };
}

/** A status with the facts of an observation: the workflow's last one, or the live one of a heartbeat. */
export function withObservation(status: Status, observation: Observation | null): Status {
  if (observation === null) return status;
  return {
    ...status,
    observedAt: observation.at,
    copiedPercent: Math.floor(observation.copiedFraction * 1000) / 10,
    remainingSeconds: observation.remainingSeconds,
    lagSeconds: maxLagSeconds(observation),
    streams: observation.streams,
    unlisted: observation.unlisted ?? nothingUnlisted,
    totals: observation.totals,
    tables: observation.tables,
    problems: observation.problems,
  };
}
