import type { Adoption, MigrationSettings } from '../migration/adopt/adoption.js';
import { healedBy } from '../migration/watch/diagnosis.js';
import { formatIdentifier } from '../migration/input/identifier.js';
import { parseDuration } from '../migration/input/duration.js';
import type { Problem } from '../migration/problem/errors.js';
import {
  completeRequestSchema,
  type AdoptInput,
  type CompleteRequest,
  type SourceTables,
} from '../migration/input/input.js';
import { fingerprint, type Observation } from '../migration/watch/observation.js';
import { nameList, type MigrationRef, type NameList } from '../migration/lifecycle/reference.js';
import type { PreflightReport } from '../migration/lifecycle/preflight-report.js';
import type { Finding } from '../migration/problem/finding.js';
import { withObservation, type Phase, type Status } from '../migration/lifecycle/status.js';
import { vdiffGaps, type Gap } from '../migration/proof/gaps.js';
import type { VDiffReport } from '../migration/proof/vdiff.js';

/** How Complete goes about it. */
export interface CompleteOptions {
  fenceSource: boolean;
  sourceTables: SourceTables;
  /** A duration such as `7d`. */
  sourceTablesAfter: string;
}

const ends: ReadonlySet<Phase> = new Set(['completed', 'cancelled', 'planned', 'failed']);

/**
 * Everything a migration remembers. Handlers write intents into it, the main loop decides by it,
 * and nothing else does either.
 */
export class MigrationState {
  phase: Phase = 'checking';
  /** A journal of this run is there: what was made can be, and must be, undone. */
  recorded = false;
  tables: NameList = nameList([]);
  findings: Finding[] = [];
  observation: Observation | null = null;
  copyFinished = false;
  vdiff: VDiffReport | null = null;
  vdiffsFinished = 0;
  missing: Gap[] = [];
  lastError: Problem | null = null;
  /** Once the journal says `forward`: see `finish` in activities/complete.ts. */
  pastNoReturn = false;

  complete: CompleteRequest | undefined;
  /** Counts requests, so that each is tried once before the next wait. */
  completeRequests = 0;
  completeTried = 0;
  cancelRequested = false;
  /** The VDiff after the copy needs nobody to ask for it. */
  vdiffWanted = true;

  /** Streams are to be stopped, by a person's wish or for `pausedFor`, until somebody says resume. */
  pauseRequested = false;
  resumeWanted = false;
  /** The problem for which the migration has paused by itself; null when a person asked for it. */
  pausedFor: Problem | null = null;
  /** The source's tables stay, whatever was asked for before. */
  keepSource = false;
  /** ISO 8601: when the source's tables are to be renamed or dropped. */
  retireAt: string | null = null;
  warnings: Problem[] = [];
  /** The definitions of the source have changed since the last VDiff. */
  vdiffOutdated = false;
  /** Milliseconds since 1970. */
  private vdiffAt = 0;

  /** True once Create has ended well. */
  created = false;

  private since = new Date();

  /** @param known undefined until an adopting migration has read the journal */
  constructor(
    readonly ref: MigrationRef,
    readonly source: string,
    private known: MigrationSettings | undefined,
  ) {
    if (known?.complete === 'auto') this.requestComplete(completeRequestSchema.parse({}));
  }

  get workflow(): string {
    return formatIdentifier(this.ref.id);
  }

  get settings(): MigrationSettings {
    if (this.known === undefined) throw new Error('the settings are not known before the journal has been read');
    return this.known;
  }

  pass({ findings, tables }: Extract<PreflightReport, { outcome: 'recorded' }>): void {
    this.recorded = true;
    this.findings = findings;
    this.tables = tables;
  }

  /** What a migration that was taken over is, and what was asked for with that. */
  takeOver({ settings, tables }: Adoption, { adopt, force }: AdoptInput): void {
    this.known = settings;
    this.recorded = true;
    this.tables = tables;
    if (adopt === 'cancel') this.cancelRequested = true;
    else if (this.complete === undefined) this.requestComplete(completeRequestSchema.parse({ force }));
  }

  enter(phase: Phase): void {
    if (phase === this.phase) return;
    this.phase = phase;
    this.since = new Date();
  }

  get ended(): boolean {
    return ends.has(this.phase);
  }

  /** ISO 8601: when the phase began. */
  get enteredAt(): string {
    return this.since.toISOString();
  }

  requestComplete(request: CompleteRequest): void {
    this.complete = request;
    this.completeRequests++;
  }

  requestPause(): void {
    this.pauseRequested = true;
    this.resumeWanted = false;
  }

  requestResume(): void {
    this.pauseRequested = false;
    this.resumeWanted = true;
  }

  /** What was said with Complete wins over what was said at Create. */
  completeOptions(): CompleteOptions {
    const { fenceSource, sourceTables, sourceTablesAfter } = this.settings;
    return {
      fenceSource: this.complete?.fenceSource ?? fenceSource,
      sourceTables: this.keepSource ? 'keep' : (this.complete?.sourceTables ?? sourceTables),
      sourceTablesAfter: this.complete?.sourceTablesAfter ?? sourceTablesAfter,
    };
  }

  /** The problem of a stream that only a person can solve. */
  needsPerson(): Problem | undefined {
    return this.observation?.problems.find(
      (problem) => problem.kind !== undefined && healedBy[problem.kind] === 'person',
    );
  }

  /** True when Complete needs a newer VDiff than the last one. `force` takes the one there is. */
  vdiffIsOld(): boolean {
    if (this.vdiff === null || this.complete?.force === true) return false;
    return this.vdiffOutdated || Date.now() - this.vdiffAt > parseDuration(this.settings.vdiffMaxAge);
  }

  see(observation: Observation): void {
    this.observation = observation;
    this.copyFinished ||= observation.copyFinished;
  }

  get fingerprint(): string {
    return this.observation === null ? '' : fingerprint(this.observation);
  }

  /** A VDiff that is running now answers the request; another one is not begun. */
  requestVDiff(): void {
    if (this.phase !== 'verifying') this.vdiffWanted = true;
  }

  finishVDiff(report: VDiffReport): void {
    this.vdiff = report;
    this.vdiffAt = Date.now();
    this.vdiffOutdated = false;
    this.vdiffWanted = false;
    this.vdiffsFinished++;
  }

  /** What Complete lacks besides the streams. */
  vdiffMissing(force = this.complete?.force ?? false): Gap[] {
    return vdiffGaps(this.vdiff, force);
  }

  status(): Status {
    const bare: Status = {
      workflow: this.workflow,
      source: this.source,
      phase: this.phase,
      since: this.enteredAt,
      observedAt: null,
      copiedPercent: 0,
      remainingSeconds: null,
      lagSeconds: null,
      streams: [],
      tables: [],
      vdiff: this.vdiff,
      requested: this.requested(),
      waitingFor: this.waitingFor(),
      missing: this.missing,
      lastError: this.lastError,
      problems: [],
      warnings: this.warnings,
      findings: this.findings,
      pastNoReturn: this.pastNoReturn,
      retireAt: this.retireAt,
    };
    return withObservation(bare, this.observation);
  }

  private requested(): Status['requested'] {
    if (this.ended) return [];
    const all = {
      complete: this.complete !== undefined,
      cancel: this.cancelRequested,
      vdiff: this.vdiffWanted && this.vdiffsFinished > 0 && this.phase !== 'verifying',
      pause: this.pauseRequested && this.phase !== 'paused',
    };
    return (['complete', 'cancel', 'vdiff', 'pause'] as const).filter((name) => all[name]);
  }

  /** In words, what a person or the clusters must do for this migration to go on. */
  waitingFor(): string[] {
    if (this.phase === 'paused')
      return [this.pausedFor === null ? 'resume, or cancel' : `a person: ${this.pausedFor.remedy}`];
    if (this.phase === 'retiring')
      return [
        `${this.retireAt ?? ''}, to ${this.completeOptions().sourceTables} the tables of the source; keepSource calls it off`,
      ];
    if (this.phase === 'copying') return [this.allStopped() ? 'resume: the streams are stopped' : 'the copy to finish'];
    if (this.phase === 'verifying') return ['VDiff to finish'];
    if (this.phase !== 'replicating') return [];
    if (this.allStopped() && !this.settings.stopAfterCopy) return ['resume: the streams are stopped'];
    if (this.vdiffMissing().length > 0) return ['vdiff once more, complete with force, or cancel'];
    if (this.complete === undefined) return ['complete, or cancel'];
    return this.missing.map((gap) => gap.message);
  }

  /** Something else than Pause has stopped them, or Create was told not to start them. */
  private allStopped(): boolean {
    const streams = this.observation?.streams ?? [];
    return (
      streams.length > 0 && streams.every((stream) => stream.state === 'Stopped' && stream.message !== 'for vdiff')
    );
  }
}
