import type { MigrationSettings } from '../adopt/adoption.js';
import { completeRequestSchema, type CompleteRequest, type SourceTables } from '../input/input.js';
import type { Problem } from '../problem/errors.js';
import type { Finding } from '../preflight/finding.js';
import type { Gap } from '../proof/gaps.js';
import type { VDiffReport } from '../proof/vdiff.js';
import type { StreamProblem } from '../watch/diagnosis.js';
import type { Observation } from '../watch/observation.js';
import type { Phase } from './phases.js';
import { nameList, type NameList } from '../plan/reference.js';

/** What people have asked for. Only messages write it, and the step that carries a wish out. */
export interface Intents {
  /** `tried`: it has been tried since it was asked for, and is tried again later. */
  complete: { state: 'asked' | 'tried'; request: CompleteRequest } | null;
  cancel: boolean;
  streams: StreamsIntent;
  /** True from the beginning: the VDiff after the copy runs by itself. */
  vdiff: boolean;
  /** The source's tables stay, whatever was asked for before. */
  keepSource: boolean;
}

/** `for`: the problem for which the migration pauses by itself; null when a person asked for it. */
export type StreamsIntent = { want: 'nothing' } | { want: 'pause'; for: StreamProblem | null } | { want: 'resume' };

/** What is known of the migration and of the clusters. */
export interface Facts {
  workflow: string;
  source: string;
  /** Null until an adopting migration has read the journal. */
  settings: MigrationSettings | null;
  tables: NameList;
  findings: Finding[];
  observation: Observation | null;
  /** Once the copy has finished it stays finished. */
  copyFinished: boolean;
  /** `pause` has stopped the streams, and `resume` has not begun. */
  streamsPaused: boolean;
  /** The last report, also of a VDiff that is about to be tried again. */
  vdiff: VDiffReport | null;
  /** Milliseconds since 1970; null when no VDiff has finished, or the definitions have changed since. */
  vdiffFinishedAt: number | null;
  /** What Complete lacked when it was last tried. */
  missing: Gap[];
  warnings: Problem[];
}

/** How far the migration has come. */
export interface Progress {
  phase: Phase;
  /** ISO 8601: when the phase began. */
  since: string;
  /**
   * `uncertain`: preflight may have begun a journal without saying so. `recorded`: there is one, and
   * putting back is owed. `created`: Create has succeeded. `no return`: the journal says `forward`.
   */
  reached: 'nothing' | 'uncertain' | 'recorded' | 'created' | 'no return';
  vdiffsFinished: number;
  /** When the source's tables are to be renamed or dropped (ISO 8601), and whether that is still to come. */
  retirement: { at: string; waiting: boolean } | null;
  /** The error of the step that is being tried again. */
  lastError: Problem | null;
  /** Seconds until a Complete that lacked something is tried again. */
  proofDelay: number;
  backoff: { quietSeconds: number; changes: number };
}

/** Everything a migration remembers: plain JSON of a bounded size, which continue-as-new carries on. */
export interface MigrationState {
  intents: Intents;
  facts: Facts;
  progress: Progress;
}

/** Seconds until the first new try of a Complete that lacked something; then doubling. */
export const firstProofDelay = 5;

/** The state of a migration that begins. @param at ISO 8601 */
export function initialState(
  names: { workflow: string; source: string },
  settings: MigrationSettings | null,
  at: string,
): MigrationState {
  return {
    intents: {
      complete: settings?.complete === 'auto' ? { state: 'asked', request: completeRequestSchema.parse({}) } : null,
      cancel: false,
      streams: { want: 'nothing' },
      vdiff: true,
      keepSource: false,
    },
    facts: {
      ...names,
      settings,
      tables: nameList([]),
      findings: [],
      observation: null,
      copyFinished: false,
      streamsPaused: false,
      vdiff: null,
      vdiffFinishedAt: null,
      missing: [],
      warnings: [],
    },
    progress: {
      phase: 'checking',
      since: at,
      reached: 'nothing',
      vdiffsFinished: 0,
      retirement: null,
      lastError: null,
      proofDelay: firstProofDelay,
      backoff: { quietSeconds: 10, changes: 0 },
    },
  };
}

/** How Complete goes about it. */
export interface CompleteOptions {
  fenceSource: boolean;
  sourceTables: SourceTables;
  /** A duration such as `7d`. */
  sourceTablesAfter: string;
  initializeTargetSequences: boolean;
}

/** The options of Complete that its checks look at; what is not given is as it was at Create. */
export type ProveOptions = Partial<Pick<CompleteOptions, 'initializeTargetSequences'>>;

/**
 * What was said with Complete wins over what was said at Create; `keepSource` wins over both.
 * @param request another Complete than the one that was asked for, to see what it would do
 */
export function completeOptions(
  { facts, intents }: Pick<MigrationState, 'facts' | 'intents'>,
  request = intents.complete?.request,
): CompleteOptions {
  const { fenceSource, sourceTables, sourceTablesAfter, initializeTargetSequences } = settingsOfFacts(facts);
  return {
    fenceSource: request?.fenceSource ?? fenceSource,
    sourceTables: intents.keepSource ? 'keep' : (request?.sourceTables ?? sourceTables),
    sourceTablesAfter: request?.sourceTablesAfter ?? sourceTablesAfter,
    initializeTargetSequences: request?.initializeTargetSequences ?? initializeTargetSequences,
  };
}

/** The settings of a migration whose journal has been read. */
export function settingsOfFacts(facts: Facts): MigrationSettings {
  if (facts.settings === null) throw new Error('the settings are unknown until the journal has been read');
  return facts.settings;
}
