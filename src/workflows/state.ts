import type { Adoption } from '../migration/adopt/adoption.js';
import { formatIdentifier } from '../migration/input/identifier.js';
import { completeRequestSchema, type AdoptInput, type CompleteRequest } from '../migration/input/input.js';
import { nextStep, vdiffIsOld, type Step } from '../migration/lifecycle/next-step.js';
import { phases, type Phase } from '../migration/lifecycle/phases.js';
import type { PreflightReport } from '../migration/lifecycle/preflight-report.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import {
  completeOptions,
  initialState,
  type CompleteOptions,
  type Facts,
  type Intents,
  type MigrationState,
  type Progress,
} from '../migration/lifecycle/state.js';
import type { MigrationSettings } from '../migration/adopt/adoption.js';
import { statusOf, type Status } from '../migration/lifecycle/status.js';
import type { VDiffReport } from '../migration/proof/vdiff.js';
import { fingerprint, type Observation } from '../migration/watch/observation.js';

/** A migration in its workflow: handlers write its intents, and the main loop decides by all of it. */
export class Migration implements MigrationState {
  readonly intents: Intents;
  readonly facts: Facts;
  readonly progress: Progress;
  /** The workflow is about to continue as new: updates that wait must end. */
  continuing = false;

  constructor(
    readonly ref: MigrationRef,
    { intents, facts, progress }: MigrationState,
  ) {
    this.intents = intents;
    this.facts = facts;
    this.progress = progress;
  }

  /** @param settings null until an adopting migration has read the journal */
  static begin(ref: MigrationRef, source: string, settings: MigrationSettings | null): Migration {
    const names = { workflow: formatIdentifier(ref.id), source };
    return new Migration(ref, initialState(names, settings, new Date().toISOString()));
  }

  /** What continue-as-new carries on. */
  carried(): MigrationState {
    const { intents, facts, progress } = this;
    return { intents, facts, progress };
  }

  status(): Status {
    return statusOf(this);
  }

  nextStep(): Step {
    return nextStep(this.facts, this.intents, Date.now());
  }

  get vdiffIsOld(): boolean {
    return vdiffIsOld(this.facts, this.intents, Date.now());
  }

  get completeOptions(): CompleteOptions {
    return completeOptions(this);
  }

  get phase(): Phase {
    return this.progress.phase;
  }

  get ended(): boolean {
    return phases[this.phase].final;
  }

  get pastNoReturn(): boolean {
    return this.progress.reached === 'no return';
  }

  get fingerprint(): string {
    return this.facts.observation === null ? '' : fingerprint(this.facts.observation);
  }

  enter(phase: Phase): void {
    if (phase === this.phase) return;
    this.progress.phase = phase;
    this.progress.since = new Date().toISOString();
  }

  /** Preflight has passed, and the journal is there. */
  pass({ findings, tables }: Extract<PreflightReport, { outcome: 'recorded' }>): void {
    this.progress.reached = 'recorded';
    this.facts.findings = findings;
    this.facts.tables = tables;
  }

  /** The journal of an adopted migration is this run's. */
  takeOver({ settings, tables }: Adoption, { adopt, force }: AdoptInput): void {
    this.progress.reached = 'recorded';
    this.facts.settings = settings;
    this.facts.tables = tables;
    if (adopt === 'cancel') this.intents.cancel = true;
    else if (this.intents.complete === null) this.requestComplete(completeRequestSchema.parse({ force }));
  }

  requestComplete(request: CompleteRequest): void {
    this.intents.complete = { state: 'asked', request };
  }

  /** Past the point of no return there is nothing to cancel. */
  requestCancel(): void {
    this.intents.cancel ||= !this.pastNoReturn;
  }

  requestPause(): void {
    if (this.intents.streams.want !== 'pause') this.intents.streams = { want: 'pause', for: null };
  }

  requestResume(): void {
    this.intents.streams = { want: 'resume' };
  }

  /** A VDiff that is running answers the request; no second one is begun. */
  requestVDiff(): void {
    if (this.phase !== 'verifying') this.intents.vdiff = true;
  }

  /** Complete has been tried: whoever asked for it can be answered. */
  finishCompleteTry(): void {
    if (this.intents.complete !== null) this.intents.complete.state = 'tried';
  }

  see(observation: Observation): void {
    this.facts.observation = observation;
    this.facts.copyFinished ||= observation.copyFinished;
  }

  finishVDiff(report: VDiffReport): void {
    this.facts.vdiff = report;
    this.facts.vdiffFinishedAt = Date.now();
    this.intents.vdiff = false;
    this.progress.vdiffsFinished++;
  }
}
