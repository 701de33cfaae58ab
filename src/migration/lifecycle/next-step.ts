import { parseDuration } from '../input/duration.js';
import type { Problem } from '../problem/errors.js';
import { vdiffGaps, type Gap } from '../proof/gaps.js';
import { healedBy, type StreamProblem } from '../watch/diagnosis.js';
import type { Observation } from '../watch/observation.js';
import { phases } from './phases.js';
import { completeOptions, settingsOfFacts, type Facts, type Intents, type MigrationState } from './state.js';

/** What the lifecycle does next. `hold`: the streams are paused, and stay so; `wait`: for a person. */
export type Step = 'cancel' | 'pause' | 'hold' | 'resume' | 'copy' | 'verify' | 'complete' | 'wait';

/**
 * The one decision on what comes next, once Create is done.
 * @param nowMs milliseconds since 1970
 */
export function nextStep(facts: Facts, intents: Intents, nowMs: number): Step {
  if (intents.cancel) return 'cancel';
  if (intents.streams.want === 'pause') return facts.streamsPaused ? 'hold' : 'pause';
  if (intents.streams.want === 'resume') return 'resume';
  if (!facts.copyFinished) return 'copy';
  if (intents.vdiff) return 'verify';
  if (intents.complete === null || unmetVDiff(facts, intents).length > 0) return 'wait';
  return vdiffIsOld(facts, intents, nowMs) ? 'verify' : 'complete';
}

/** Whether the workflow may continue as new before this step: nothing that was asked for is in the middle of it. */
export function isSteady(step: Step, { intents, progress }: MigrationState): boolean {
  if (!phases[progress.phase].steady) return false;
  if (step === 'complete') return intents.complete?.state === 'tried';
  return step === 'copy' || step === 'wait' || step === 'hold';
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

/** @param force accepts the last VDiff as it is; that of the remembered Complete unless given */
export function readiness(state: MigrationState, force?: boolean): Readiness {
  const { facts, intents } = state;
  return {
    gaps: unmetVDiff(facts, intents, force),
    waitingFor: waitingFor(state),
    needsPerson: needsPerson(state),
  };
}

/** True when Complete needs a newer VDiff than the last one. `force` accepts the one there is. */
export function vdiffIsOld(facts: Facts, intents: Intents, nowMs: number): boolean {
  if (facts.vdiff === null || intents.complete?.request.force === true) return false;
  const maxAge = parseDuration(settingsOfFacts(facts).vdiffMaxAge);
  return facts.vdiffFinishedAt === null || nowMs - facts.vdiffFinishedAt > maxAge;
}

/** The problem of a stream that only a person can solve. */
export function problemForPerson(observation: Observation | null): StreamProblem | undefined {
  return observation?.problems.find(
    (problem): problem is StreamProblem => problem.code === 'STREAM_IN_TROUBLE' && healedBy[problem.kind] === 'person',
  );
}

function unmetVDiff(facts: Facts, intents: Intents, force = intents.complete?.request.force ?? false): Gap[] {
  return vdiffGaps(facts.vdiff, force);
}

function needsPerson({ facts, intents, progress }: MigrationState): Readiness['needsPerson'] {
  const { streams } = intents;
  if (progress.phase === 'paused' && streams.want === 'pause')
    return { reason: streams.for === null ? [] : [streams.for] };
  if (progress.phase !== 'replicating' || facts.vdiff === null || intents.vdiff) return null;
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
      return [areStopped(facts) ? 'resume: the streams are stopped' : 'the copy to finish'];
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
  if (areStopped(facts) && !settingsOfFacts(facts).stopAfterCopy) return ['resume: the streams are stopped'];
  if (unmetVDiff(facts, intents).length > 0) return ['vdiff once more, complete with force, or cancel'];
  if (intents.complete === null) return ['complete, or cancel'];
  return facts.missing.length === 0 ? [] : ['what Complete still lacks'];
}

/** Another program than Pause has stopped the streams, or Create was told not to start them. */
function areStopped({ observation }: Facts): boolean {
  const streams = observation?.streams ?? [];
  return streams.length > 0 && streams.every(({ state, message }) => state === 'Stopped' && message !== 'for vdiff');
}
