import { workflowInfo } from '@temporalio/workflow';
import type { Problem } from '../migration/errors.js';
import type { CompleteRequest, MigrateInput } from '../migration/input.js';
import { fingerprint, isCopyFinished, type Observation } from '../migration/observation.js';
import type { Plan } from '../migration/plan.js';
import { withObservation, type Phase, type Status } from '../migration/status.js';
import { vdiffGaps, type Gap } from '../migration/verdict.js';
import type { VDiffReport } from '../migration/vdiff.js';

const ends: ReadonlySet<Phase> = new Set(['completed', 'cancelled', 'planned', 'failed']);

/**
 * Everything a migration remembers. Handlers write intents into it, the main loop decides by it,
 * and nothing else does either.
 */
export class MigrationState {
  phase: Phase = 'checking';
  plan: Plan | undefined;
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

  /** True once Create has ended well. */
  created = false;

  private since = new Date();

  constructor(readonly input: MigrateInput) {
    if (input.complete === 'auto') this.requestComplete({ force: false, dryRun: false });
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

  get runId(): string {
    return workflowInfo().firstExecutionRunId;
  }

  requestComplete(request: CompleteRequest): void {
    this.complete = request;
    this.completeRequests++;
  }

  see(observation: Observation): void {
    this.observation = observation;
    const expected = (this.plan?.target.shards.length ?? 0) * (this.plan?.source.shards.length ?? 0);
    this.copyFinished ||= isCopyFinished(observation, expected, this.input.stopAfterCopy);
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
    this.vdiffsFinished++;
  }

  /** What Complete lacks besides the streams. */
  vdiffMissing(force = this.complete?.force ?? false): Gap[] {
    return vdiffGaps(this.vdiff, force);
  }

  status(): Status {
    const bare: Status = {
      workflow: this.input.target,
      source: this.input.source,
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
      pastNoReturn: this.pastNoReturn,
    };
    return withObservation(bare, this.observation);
  }

  private requested(): Status['requested'] {
    if (this.ended) return [];
    const all = { complete: this.complete !== undefined, cancel: this.cancelRequested, vdiff: this.vdiffWanted && this.vdiffsFinished > 0 };
    return (['complete', 'cancel', 'vdiff'] as const).filter((name) => all[name]);
  }

  /** In words, what a person or the clusters must do for this migration to go on. */
  waitingFor(): string[] {
    if (this.phase === 'copying') return ['the copy to finish'];
    if (this.phase === 'verifying') return ['VDiff to finish'];
    if (this.phase !== 'replicating') return [];
    if (this.vdiffMissing().length > 0) return ['vdiff once more, complete with force, or cancel'];
    if (this.complete === undefined) return ['complete, or cancel'];
    return this.missing.map((gap) => gap.message);
  }
}
