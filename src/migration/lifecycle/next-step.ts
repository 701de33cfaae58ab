import { parseDuration } from '../input/duration.js';
import type { CompleteRequest } from '../input/input.js';
import type { Problem } from '../problem/errors.js';
import { isAccepted, vdiffGaps, type Acceptance, type Gap } from '../proof/gaps.js';
import { isHeldBack, reasonOf } from '../watch/holding-back.js';
import { phases } from './phases.js';
import {
  completeOptions,
  settingsOfFacts,
  tablesToRepair,
  type Facts,
  type Intents,
  type MigrationState,
} from './state.js';

/**
 * What the lifecycle does next. `update`: of options; `hold`: the streams are paused, and stay so; `wait`: for a
 * person.
 */
export type Step =
  'cancel' | 'pause' | 'leave' | 'update' | 'hold' | 'resume' | 'copy' | 'repair' | 'verify' | 'complete' | 'wait';

/**
 * The one decision on what comes next, once Create is done.
 * @param nowMs milliseconds since 1970
 */
export function nextStep(facts: Facts, intents: Intents, nowMs: number): Step {
  if (intents.cancel) return 'cancel';
  if (intents.streams.want === 'pause' && !facts.streamsPaused) return 'pause';
  if (intents.leave.length > 0) return 'leave';
  if (intents.options !== null) return 'update';
  if (intents.streams.want === 'pause') return 'hold';
  if (intents.streams.want === 'resume') return 'resume';
  if (!facts.copyFinished) return 'copy';
  if (repairIsDue(facts, intents)) return 'repair';
  if (intents.vdiff) return 'verify';
  if (intents.complete === null || unmetVDiff(facts, intents).length > 0) return 'wait';
  return vdiffIsOld(facts, intents, nowMs) ? 'verify' : 'complete';
}

/** Repairs of the same tables, until a person is to look. */
const mostRepairs = 3;

/**
 * True when FLOAT columns are to be set from the source: of tables of which that has not been tried, or that differ
 * although the last repair has found something to set: what a busy source changes meanwhile is set, too.
 */
export function repairIsDue(facts: Facts, intents: Intents): boolean {
  const wanted = tablesToRepair({ facts, intents });
  if (!facts.copyFinished) return false;
  const { proof, repair } = facts;
  if (repair === null) return wanted.length > 0;
  if (wanted.some((table) => !repair.tables.includes(table))) return true;
  return (
    repair.lastRows > 0 &&
    repair.count < mostRepairs &&
    (proof?.differing ?? []).some(({ table }) => wanted.includes(table))
  );
}

/** Whether the workflow may continue as new before this step: nothing that was asked for is in the middle of it. */
export function isSteady(step: Step, { intents, progress }: MigrationState): boolean {
  if (!phases[progress.phase].steady) return false;
  if (step === 'complete') return intents.complete?.state === 'tried';
  // A repair that is about to be tried, not one that goes on.
  return step === 'copy' || step === 'repair' || step === 'wait' || step === 'hold';
}

/** What keeps a migration from completing. */
export interface Readiness {
  /** What is known to be lacking without asking the clusters. */
  gaps: Gap[];
  /** In words, what a person or the clusters must do for this migration to go on; empty while it works. */
  waitingFor: string[];
  /** Set when nothing goes on until a person acts. No reason is given for a pause that a person asked for. */
  needsPerson: { reason: Problem[] } | null;
}

/** @param acceptance what is accepted; by the remembered Complete unless given */
export function readiness(state: MigrationState, acceptance?: Acceptance): Readiness {
  const { facts, intents } = state;
  return {
    gaps: unmetVDiff(facts, intents, acceptance),
    waitingFor: waitingFor(state),
    needsPerson: needsPerson(state),
  };
}

/** True when Complete needs a newer VDiff than the last one. `force` accepts the one there is. */
export function vdiffIsOld(facts: Facts, intents: Intents, nowMs: number): boolean {
  if (facts.vdiff === null || intents.complete?.request.force === true) return false;
  const maxAge = parseDuration(settingsOfFacts(facts).vdiffMaxAge);
  return facts.drifted.length > 0 || facts.vdiffFinishedAt === null || nowMs - facts.vdiffFinishedAt > maxAge;
}

function unmetVDiff(facts: Facts, intents: Intents, acceptance = acceptanceOf(intents.complete?.request)): Gap[] {
  return vdiffGaps(facts.vdiff).filter((gap) => !isAccepted(gap, acceptance));
}

/** What a Complete accepts. */
export function acceptanceOf(request: CompleteRequest | undefined): Acceptance {
  return { force: request?.force ?? false, acceptRows: request?.acceptRows ?? [] };
}

function needsPerson({ facts, intents, progress }: MigrationState): Readiness['needsPerson'] {
  const { streams } = intents;
  if (progress.phase === 'paused' && streams.want === 'pause')
    return { reason: streams.for === null ? [] : [streams.for] };
  if (progress.phase !== 'replicating' || facts.vdiff === null || !comesToRest(facts, intents)) return null;
  const reason = unmetVDiff(facts, intents);
  return reason.length === 0 ? null : { reason };
}

function waitingFor({ facts, intents, progress }: MigrationState): string[] {
  switch (progress.phase) {
    case 'paused':
      return waitingInPause(intents);
    case 'retiring': {
      const at = progress.retirement?.at ?? '';
      const { sourceTables } = completeOptions({ facts, intents });
      return [`${at}, to ${sourceTables} the tables of the source; keepSource calls it off`];
    }
    case 'copying':
      return [stoppedStreams(facts) ?? heldBackCopy(facts) ?? 'the copy to finish'];
    case 'repairing':
      return ['the repair of FLOAT columns to finish'];
    case 'verifying':
      return ['VDiff to finish'];
    case 'replicating':
      return waitingWhileReplicating(facts, intents);
    default:
      return [];
  }
}

function waitingInPause({ streams }: Intents): string[] {
  if (streams.want !== 'pause') return [];
  return [streams.for === null ? 'resume, or cancel' : `a person: ${streams.for.remedy}`];
}

function waitingWhileReplicating(facts: Facts, intents: Intents): string[] {
  const stopped = stoppedStreams(facts);
  if (stopped !== undefined && !settingsOfFacts(facts).stopAfterCopy) return [stopped];
  if (!comesToRest(facts, intents)) return [];
  if (unmetVDiff(facts, intents).length > 0) return ['vdiff once more, complete with acceptRows or force, or cancel'];
  if (intents.complete === null) return ['complete, or cancel'];
  if (intents.complete.state === 'asked') return [];
  return facts.missing.length === 0 ? [] : ['what Complete still lacks'];
}

/** Nothing that was asked for is still to be done, but for a Complete. */
function comesToRest(facts: Facts, intents: Intents): boolean {
  return ['wait', 'complete'].includes(nextStep(facts, intents, 0));
}

/** Messages with which Vitess stops streams for what it was asked to do. */
const stopsItself: ReadonlySet<string> = new Set(['for vdiff', 'Stopped after copy.']);

/** Another program than Pause has stopped them, or Create was told not to start them. */
function stoppedStreams({ observation }: Facts): string | undefined {
  const streams = observation?.streams ?? [];
  const stopped = streams.filter(
    (stream) => stream.state === 'Stopped' && !stopsItself.has(stream.message) && !isHeldBack(stream),
  );
  if (stopped.length === 0) return undefined;
  return `resume: ${stopped.length === streams.length ? 'the' : 'some'} streams are stopped`;
}

/** Streams that may not copy now, and why. */
function heldBackCopy({ observation }: Facts): string | undefined {
  const streams = observation?.streams ?? [];
  const held = streams.filter(isHeldBack);
  const [first] = held;
  if (first === undefined) return undefined;
  const what = held.length === streams.length ? 'it is' : 'some lanes are';
  return `the copy to finish: ${what} held back, for ${reasonOf(first)}`;
}
