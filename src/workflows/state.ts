import { patched } from '@temporalio/workflow';
import type { Adoption } from '../migration/adopt/adoption.js';
import { formatIdentifier } from '../migration/input/identifier.js';
import {
  completeRequestSchema,
  type AdoptInput,
  type CompleteRequest,
  type OptionsRequest,
} from '../migration/input/input.js';
import { nextStep, vdiffIsOld, type Step } from '../migration/lifecycle/next-step.js';
import { phases, type Phase } from '../migration/lifecycle/phases.js';
import type { Ending } from '../migration/lifecycle/refusals.js';
import type { PreflightReport } from '../migration/lifecycle/preflight-report.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import {
  completeOptions,
  hasSameOptions,
  initialState,
  type CompleteOptions,
  type Facts,
  type Intents,
  type LeaveIntent,
  type MigrationState,
  type Progress,
} from '../migration/lifecycle/state.js';
import type { MigrationSettings } from '../migration/adopt/adoption.js';
import { statusOf, type Status } from '../migration/lifecycle/status.js';
import type { LeaveReport } from '../migration/plan/leaving.js';
import type { Problem } from '../migration/problem/errors.js';
import type { GapCode } from '../migration/problem/shown-codes.js';
import type { Gap } from '../migration/proof/gaps.js';
import { reportWithout, type VDiffReport } from '../migration/proof/vdiff.js';
import type { Observation } from '../migration/watch/observation.js';

const isDrift: ReadonlySet<string> = new Set<GapCode>(['SCHEMA_DRIFT', 'PARTITIONS_DIFFER']);

/** A migration in its workflow: handlers write its intents, and the main loop decides by all of it. */
export class Migration implements MigrationState {
  readonly intents: Intents;
  readonly facts: Facts;
  readonly progress: Progress;
  /** The workflow is about to continue as new: updates that wait must end. */
  continuing = false;
  /** The Complete that is being tried has other options than the last one that was asked for. */
  completeReplaced = false;
  /** The rows are compared: known once the copy has finished. */
  comparesRows = false;
  /** Not carried on: an update does not outlast a run. */
  private readonly refusals = new Map<LeaveIntent, Problem>();

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

  get ending(): Ending {
    const { intents, pastNoReturn, progress } = this;
    return { cancelling: intents.cancel, pastNoReturn, serving: progress.serving };
  }

  get fingerprint(): string {
    return this.facts.observation?.fingerprint ?? '';
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
  takeOver(
    { settings, tables, left, leaving = [] }: Adoption,
    { adopt, force, acceptRows, leaveTables = [] }: AdoptInput,
  ): void {
    this.progress.reached = 'recorded';
    this.facts.settings = settings;
    this.facts.tables = tables;
    if (left !== undefined) this.facts.left = left;
    if (leaving.length > 0) this.requestLeave(leaving, null);
    const request = this.intents.complete === null ? completeRequestSchema.parse({ force, acceptRows }) : null;
    if (adopt === 'cancel') this.intents.cancel = true;
    else if (leaveTables.length > 0) this.requestLeave(leaveTables, request);
    else if (request !== null) this.requestComplete(request);
  }

  /** The intent, by which `refusalOf` knows it; handled once `intents.leave` no longer has it. */
  requestLeave(tables: string[], complete: CompleteRequest | null): LeaveIntent {
    const intent = { tables, complete, judged: false };
    this.progress.refusal = null;
    this.forgetLastError();
    this.intents.leave.push(intent);
    return intent;
  }

  /** Why tables could not leave; undefined when they have left, or are still to. */
  refusalOf(intent: LeaveIntent): Problem | undefined {
    return this.refusals.get(intent);
  }

  /** Nothing happens when they have left meanwhile. */
  refuseLeave(intent: LeaveIntent, problem: Problem): void {
    if (!this.settleLeave(intent)) return;
    this.refusals.set(intent, problem);
    this.progress.refusal = problem;
  }

  private settleLeave(intent: LeaveIntent): boolean {
    const index = this.intents.leave.indexOf(intent);
    if (index >= 0) this.intents.leave.splice(index, 1);
    return index >= 0;
  }

  /** What is known of the tables that have left is forgotten; what is known of the others stays true. */
  finishLeave(intent: LeaveIntent, { tables, left }: LeaveReport): void {
    const { facts, intents } = this;
    const gone = new Set(intent.tables);
    if (this.settleLeave(intent) && intent.complete !== null) this.requestComplete(intent.complete);
    // A pause for the sake of a table that has gone; if it was for another one, the migration pauses again.
    if (intents.streams.want === 'pause' && intents.streams.for !== null) this.requestResume();
    facts.tables = tables;
    facts.left = left;
    facts.drifted = facts.drifted.filter((table) => !gone.has(table));
    facts.missing = facts.missing.filter(({ place }) => place.table === undefined || !gone.has(place.table));
    // The last observation is of the streams as they were.
    facts.observation = null;
    if (facts.vdiff === null) return;
    const report = reportWithout(facts.vdiff, intent.tables);
    if (report === undefined) intents.vdiff = true;
    else facts.vdiff = report;
  }

  /** Of two requests that wait, the later one wins where both name an option. */
  requestOptions(request: OptionsRequest): void {
    this.progress.refusal = null;
    this.forgetLastError();
    this.intents.options = { ...this.intents.options, ...request };
  }

  /** @param done the request that has been carried out; one that has come meanwhile stays */
  finishOptions(done: OptionsRequest, settings: MigrationSettings): void {
    const { facts, intents } = this;
    this.settleOptions(done);
    facts.settings = settings;
    // The last observation is of the streams as they were.
    facts.observation = null;
    // The change is the remedy of what it paused for; if it is not, the migration pauses again.
    if (intents.streams.want === 'pause' && intents.streams.for !== null) this.requestResume();
  }

  refuseOptions(refused: OptionsRequest, problem: Problem): void {
    this.settleOptions(refused);
    this.progress.refusal = problem;
  }

  private settleOptions(request: OptionsRequest): void {
    if (this.intents.options === request) this.intents.options = null;
  }

  /** The rows of these tables were compared before their definitions are made alike again. */
  seeDrift(gaps: readonly Gap[]): void {
    const { facts } = this;
    const tables = gaps.filter(({ code }) => isDrift.has(code)).map(({ place }) => place.table ?? '');
    facts.drifted = [...new Set([...facts.drifted, ...tables])];
  }

  /**
   * Before the point of no return, one with other options than those of the one that is being tried takes its place;
   * one without options joins it.
   */
  requestComplete(request: CompleteRequest): void {
    this.forgetLastError();
    const tried = this.phase === 'completing' && !this.pastNoReturn ? this.intents.complete?.request : undefined;
    const differs = tried !== undefined && !hasSameOptions(tried, request) && patched('complete-replaced');
    const joins = differs && hasSameOptions(request, completeRequestSchema.parse({}));
    this.completeReplaced ||= differs && !joins;
    this.intents.complete = { state: 'asked', request: joins ? tried : request };
    // They hold from now on, as if they had been changed before.
    const { catchUpTimeout, maxReplicationLagAllowed } = request;
    if (catchUpTimeout !== undefined) this.requestOptions({ catchUpTimeout });
    if (maxReplicationLagAllowed !== undefined) this.requestOptions({ maxReplicationLagAllowed });
  }

  /** Past the point of no return there is nothing to cancel. */
  requestCancel(): void {
    this.forgetLastError();
    this.intents.cancel ||= !this.pastNoReturn;
  }

  /** A step that is being repeated is tried again at once. */
  requestRetry(): void {
    this.progress.retryAsked = true;
  }

  /** The tables are not tried through vtgate any more. */
  requestSkip(): void {
    this.intents.skip ||= this.progress.serving;
  }

  requestPause(): void {
    this.forgetLastError();
    if (this.intents.streams.want !== 'pause') this.intents.streams = { want: 'pause', for: null };
  }

  requestResume(): void {
    this.forgetLastError();
    this.intents.streams = { want: 'resume' };
  }

  /** A VDiff that is running answers the request; no second one is begun. */
  requestVDiff(): void {
    this.forgetLastError();
    if (this.phase !== 'verifying') this.intents.vdiff = true;
  }

  /** It may be of an earlier message. A step that still fails shows its error again. */
  private forgetLastError(): void {
    this.progress.lastError = null;
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
    this.facts.drifted = [];
    this.intents.vdiff = false;
    this.progress.vdiffsFinished++;
  }
}
