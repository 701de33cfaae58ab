import type { RepairReport } from '../checksum/floats.js';
import type { MigrationSettings } from '../adopt/adoption.js';
import { completeRequestSchema, type CompleteRequest, type OptionsRequest, type SourceTables } from '../input/input.js';
import type { ProofReport } from '../checksum/report.js';
import type { Problem } from '../problem/errors.js';
import type { Finding } from '../preflight/finding.js';
import type { Cutover } from '../proof/cutover.js';
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
  /** The tables are not to be tried through vtgate. */
  skip: boolean;
  /** In their order. */
  leave: LeaveIntent[];
  /** Options that are to be changed. */
  options: OptionsRequest | null;
}

/** Tables that are to leave, and the Complete that is asked for once they have. */
export interface LeaveIntent {
  tables: string[];
  complete: CompleteRequest | null;
  /** They may leave, as far as that is known: only then is anything cut off for them. */
  judged: boolean;
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
  /** Tables that have left the migration. */
  left: NameList;
  findings: Finding[];
  observation: Observation | null;
  /** Once the copy has finished it stays finished. */
  copyFinished: boolean;
  /** `pause` has stopped the streams, and `resume` has not begun. */
  streamsPaused: boolean;
  /** The last report, also of a VDiff that is about to be tried again. */
  vdiff: VDiffReport | null;
  /** Milliseconds since 1970; null when no VDiff has finished. */
  vdiffFinishedAt: number | null;
  /** How far the rows have been compared; null before that has begun. */
  proof: ProofReport | null;
  /** What repairs of FLOAT columns have done; null before the first one. */
  repair: Repairs | null;
  /** Tables whose definitions have changed since: their rows were compared before that. */
  drifted: string[];
  /** What Complete lacked when it was last tried. */
  missing: Gap[];
  /** What `force` and `acceptRows` have accepted. */
  overridden: Gap[];
  /** How long nobody could write to the tables; null before the target takes writes, and without a fence. */
  cutover: Cutover | null;
  warnings: Problem[];
}

/** Repairs of the same tables, one after the other. */
export interface Repairs {
  tables: string[];
  count: number;
  /** Rows that they have set, and those of the last one. */
  rows: number;
  lastRows: number;
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
  /** The tables are tried through vtgate. */
  serving: boolean;
  /** A step that keeps failing is to be tried again at once. */
  retryAsked: boolean;
  /** How often streams that Vitess had ended were started again, and when last (milliseconds since 1970). */
  restarts: { count: number; at: number };
  /** Why what was asked for last, of leave and updateOptions, cannot be done; null since something else was. */
  refusal: Problem | null;
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
    intents: initialIntents(settings),
    facts: {
      ...names,
      settings,
      tables: nameList([]),
      left: nameList([]),
      findings: [],
      observation: null,
      copyFinished: false,
      streamsPaused: false,
      vdiff: null,
      vdiffFinishedAt: null,
      proof: null,
      repair: null,
      drifted: [],
      missing: [],
      overridden: [],
      cutover: null,
      warnings: [],
    },
    progress: {
      phase: 'checking',
      since: at,
      reached: 'nothing',
      vdiffsFinished: 0,
      retirement: null,
      lastError: null,
      serving: false,
      retryAsked: false,
      restarts: { count: 0, at: 0 },
      refusal: null,
      proofDelay: firstProofDelay,
      backoff: { quietSeconds: 10, changes: 0 },
    },
  };
}

function initialIntents(settings: MigrationSettings | null): Intents {
  return {
    complete: settings?.complete === 'auto' ? { state: 'asked', request: completeRequestSchema.parse({}) } : null,
    cancel: false,
    streams: { want: 'nothing' },
    vdiff: true,
    keepSource: false,
    skip: false,
    leave: [],
    options: null,
  };
}

/** The state that a run of an earlier version has handed on, with what has been added since. */
export function completedState({ intents, facts, progress }: MigrationState): MigrationState {
  const added = {
    left: nameList([]),
    drifted: [],
    proof: null,
    repair: null,
    overridden: [],
    cutover: null,
  } satisfies Partial<Facts>;
  const begun = {
    serving: false,
    retryAsked: false,
    restarts: { count: 0, at: 0 },
    refusal: null,
  } satisfies Partial<Progress>;
  return {
    intents: { ...{ leave: [], skip: false, options: null }, ...intents },
    facts: { ...added, ...facts },
    progress: { ...begun, ...progress },
  };
}

/** How Complete goes about it. */
export interface CompleteOptions {
  fenceSource: boolean;
  sourceTables: SourceTables;
  /** A duration such as `7d`. */
  sourceTablesAfter: string;
  initializeTargetSequences: boolean;
  /** What is called inside the fence; undefined for nothing, as without a fence. */
  insideFence: string | undefined;
  /** A duration. */
  insideFenceTimeout: string;
}

/** The options of Complete that its checks look at; what is not given is as it was at Create. */
export interface ProveOptions {
  initializeTargetSequences?: boolean;
  fenceSource?: boolean;
  insideFence?: string;
}

/**
 * What was said with Complete wins over what was said at Create; `keepSource` wins over both.
 * @param request another Complete than the one that was asked for, to see what it would do
 */
export function completeOptions(
  { facts, intents }: Pick<MigrationState, 'facts' | 'intents'>,
  request = intents.complete?.request,
): CompleteOptions {
  const { sourceTables, sourceTablesAfter, initializeTargetSequences, ...settings } = settingsOfFacts(facts);
  return {
    ...fenceOptions(request, settings),
    sourceTables: intents.keepSource ? 'keep' : (request?.sourceTables ?? sourceTables),
    sourceTablesAfter: request?.sourceTablesAfter ?? sourceTablesAfter,
    initializeTargetSequences: request?.initializeTargetSequences ?? initializeTargetSequences,
  };
}

type FenceOptions = Pick<CompleteOptions, 'fenceSource' | 'insideFence' | 'insideFenceTimeout'>;

/** @param settings those of an earlier version have no time-out */
function fenceOptions(
  request: CompleteRequest | undefined,
  settings: Pick<MigrationSettings, 'fenceSource' | 'insideFence'> & { insideFenceTimeout?: string },
): FenceOptions {
  const fenceSource = request?.fenceSource ?? settings.fenceSource;
  return {
    fenceSource,
    insideFence: fenceSource ? (request?.insideFence ?? settings.insideFence) : undefined,
    insideFenceTimeout: request?.insideFenceTimeout ?? settings.insideFenceTimeout ?? '10s',
  };
}

/** What the checks of Complete need to know of how it would go. */
export function proveOptions({
  initializeTargetSequences,
  fenceSource,
  insideFence,
}: Pick<CompleteOptions, 'initializeTargetSequences' | 'fenceSource' | 'insideFence'>): ProveOptions & {
  initializeTargetSequences: boolean;
} {
  return { initializeTargetSequences, fenceSource, ...(insideFence === undefined ? {} : { insideFence }) };
}

/** Whether two requests complete in the same way. */
export function hasSameOptions(one: CompleteRequest, other: CompleteRequest): boolean {
  const optionsOf = (request: CompleteRequest) => JSON.stringify({ ...request, dryRun: false, leaveTables: undefined });
  return optionsOf(one) === optionsOf(other);
}

/** Tables whose FLOAT columns are set from the source. Settings of an earlier version have none. */
export function tablesToRepair({ facts, intents }: Pick<MigrationState, 'facts' | 'intents'>): string[] {
  return intents.complete?.request.repairFloats ?? facts.settings?.repairFloats ?? [];
}

/** @param before repairs of the same tables, or of others */
export function repairsWith(before: Repairs | null, { tables, rows }: RepairReport): Repairs {
  const same = before !== null && tables.every((table) => before.tables.includes(table)) ? before : null;
  return { tables, count: (same?.count ?? 0) + 1, rows: (same?.rows ?? 0) + rows, lastRows: rows };
}

/** The settings of a migration whose journal has been read. */
export function settingsOfFacts(facts: Facts): MigrationSettings {
  if (facts.settings === null) throw new Error('the settings are unknown until the journal has been read');
  return facts.settings;
}
