import { patched, setCurrentDetails } from '@temporalio/workflow';
import { watching } from './activities.js';
import { describeStatus } from './ui-summary.js';
import { problemOf } from './failures.js';
import { Pace } from './observe-backoff.js';
import type { MigrationState } from './state.js';
import { insist, Interrupted, unless } from './retry.js';

/** What a step back answers past the point of no return. */
export const tooLate = Symbol('too late');

/** What every part of the lifecycle does with the state: show it, watch the clusters, step back. */
export class Stage {
  private readonly pace = new Pace();

  constructor(readonly state: MigrationState) {}

  enter(phase: MigrationState['phase']): void {
    this.state.enter(phase);
    this.show();
  }

  show(): void {
    setCurrentDetails(describeStatus(this.state.status()));
  }

  /** True when a person wants something that watching must not hold up. */
  somethingAsked(): boolean {
    return this.state.resumeWanted || this.state.vdiffWanted || this.state.completeRequests > this.state.completeTried;
  }

  /** Watches until something changes, somebody asks for something, or the pace says so. */
  async observe(asked: () => boolean, maxSeconds?: number): Promise<void> {
    const { state } = this;
    const pace = this.pace.next();
    // An error that comes and goes must not bring a proof each time: the history would grow with time.
    const wait = maxSeconds === undefined ? pace : { ...pace, maxSeconds: Math.max(maxSeconds, pace.minSeconds) };
    const before = state.fingerprint;
    try {
      state.see(
        await unless(asked, () =>
          watching.observe(state.ref, before, { ...wait, copyingSince: state.copyFinished ? null : state.enteredAt }),
        ),
      );
      this.pace.recorded(state.fingerprint !== before);
      this.pauseForPerson();
      this.show();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }

  /** A stream that cannot go on by itself is stopped, and a person is told what it needs. */
  private pauseForPerson(): void {
    const { state } = this;
    const problem = state.needsPerson();
    if (problem === undefined || state.pauseRequested || !patched('pause-for-person')) return;
    state.pausedFor = problem;
    state.requestPause();
  }

  /** A step back, repeated until it succeeds, unless the journal says that there is no way back any more. */
  async unlessTooLate<T>(stepBack: () => Promise<T>): Promise<T | typeof tooLate> {
    const isTooLate = (code: string) => code === 'PAST_NO_RETURN';
    try {
      return await insist(this.state, stepBack, isTooLate);
    } catch (error) {
      if (isTooLate(problemOf(error).code)) return tooLate;
      throw error;
    }
  }
}
