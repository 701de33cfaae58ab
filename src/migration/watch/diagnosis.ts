import type { Problem } from '../problem/errors.js';
import type { StreamCode } from '../problem/shown-codes.js';
import { partsOf } from './stream-message.js';
import { serverTroubles } from './server-troubles.js';
import { ddlFailed, stoppedAtDdl, tableTroubles } from './table-troubles.js';
import { needs, unknown, type Diagnosis, type DiagnosisKind } from './trouble-kinds.js';

export type { DiagnosisKind } from './trouble-kinds.js';

/** Names of tables and columns may look like anything: what is known of them comes first. */
const troubles = [...tableTroubles, ...serverTroubles];

/** A stream that does not do its work. */
export interface StreamProblem extends Problem<StreamCode> {
  kind: DiagnosisKind;
  /** Not set by versions before it was known. */
  healer?: Healer;
}

/**
 * Makes a stream go on: `vitess` tries again by itself, `program` starts a stream again that Vitess has ended, and
 * `person` is called, because nothing else helps.
 */
export type Healer = 'vitess' | 'program' | 'person';

/**
 * Makes a stream of this kind of trouble go on. One that Vitess has ended is started again, where the cause goes away
 * by itself.
 * @param seconds since Vitess has said so
 */
function healerOf(kind: DiagnosisKind, state: string, seconds: number): Healer {
  const need = needs[kind];
  if (need === 'person' || need === 'program') return need;
  if (typeof need !== 'string' && seconds >= need.seconds) return need.then;
  if (state !== 'Error') return 'vitess';
  return kind === 'unknown' || kind === 'panic' ? 'person' : 'program';
}

/** True when it counts for how long Vitess has said so. */
export function takesTime(kind: DiagnosisKind): boolean {
  return typeof needs[kind] !== 'string';
}

/** What an observation of an earlier version meant, which did not say what heals a problem. */
const healedThemselves: ReadonlySet<DiagnosisKind> = new Set([
  'no-tablet',
  'source-unreachable',
  'mysql-down',
  'throttled',
  'unknown',
]);

/** The first problem of a stream that Vitess does not heal by itself. */
export function problemToHeal(problems: readonly (Problem | StreamProblem)[]): StreamProblem | undefined {
  return problems.find(
    (problem): problem is StreamProblem => 'kind' in problem && healerOfProblem(problem) !== 'vitess',
  );
}

export function healerOfProblem({ kind, healer }: StreamProblem): Healer {
  return healer ?? (healedThemselves.has(kind) ? 'vitess' : 'person');
}

/** Vitess retries a stream unless its state is Error. */
const ended = {
  vitess: '',
  program: '. Vitess has ended this stream; it is started again by itself',
  person: '. Vitess has ended this stream: once the cause is gone, resume it (vtmigrate Workflow Start), or cancel',
};

/** Messages that are part of normal work. */
const harmless = new RegExp(
  [
    '',
    '(synchronizing )?for vdiff',
    'for repair',
    'paused by vtmigrate',
    'held back by vtmigrate: .*',
    'picked source tablet:.*',
    'stopped after copy\\.?',
  ]
    .concat('stop(ped at)? position .*')
    .map((text) => `^${text}$`)
    .join('|'),
  'is',
);

/** The diagnosis of a stream's state and message; undefined when both are normal. */
export function diagnose(state: string, message: string): Diagnosis | undefined {
  if (state !== 'Error' && harmless.test(message.trim())) return undefined;
  return diagnosisOf(message);
}

/**
 * The problem of a stream, with what heals it.
 * @param seconds since Vitess has said so
 */
export function problemOf(
  bare: Omit<StreamProblem, keyof Diagnosis | 'healer'>,
  { kind, remedy }: Diagnosis,
  state: string,
  seconds: number,
): StreamProblem {
  const healer = healerOf(kind, state, seconds);
  return { ...bare, kind, healer, remedy: state === 'Error' ? remedy + ended[healer] : remedy };
}

function diagnosisOf(message: string): Diagnosis {
  if (/^stopped at ddl /i.test(message)) return stoppedAtDdl;
  const { reason, ddl } = partsOf(message);
  const diagnosis = troubles.find(({ pattern }) => pattern.test(reason))?.diagnosis ?? unknown;
  // A DDL that Vitess runs by itself, such as adding keys after the copy, is not of an event.
  const ofEvent = ddl !== undefined && /error applying event/i.test(reason);
  return ofEvent && (diagnosis === unknown || needs[diagnosis.kind] === 'person') ? ddlFailed : diagnosis;
}

/** The diagnosis of a throttled stream. Vitess reports throttling in a field of its own, not in the message. */
export function throttled(): Diagnosis {
  return troubles.find(({ diagnosis }) => diagnosis.kind === 'throttled')?.diagnosis ?? unknown;
}
