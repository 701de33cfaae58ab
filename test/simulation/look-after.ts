import type { Status } from '../../src/migration/lifecycle/status.js';
import type { Simulation } from './run.js';

/** Milliseconds between two looks, at first and in the end, and how many looks a run may need. */
const lookEvery = 5_000;
const longestPause = 600_000;
const mostLooks = 80;

/** A person who looks at the status now and then, and does what it says that the migration waits for. */
export class LookAfter {
  private vdiffs = 0;

  constructor(private readonly simulation: Simulation) {}

  async untilOver(): Promise<void> {
    const { simulation } = this;
    const { clock } = simulation;
    const isOver = () => simulation.over;
    if (await clock.run(isOver, 3 * lookEvery)) return;
    for (let looks = 1, pause = lookEvery; looks <= mostLooks; looks++) {
      await this.look();
      if (await clock.run(isOver, pause)) return;
      if (simulation.isQuiet && looks > 20) pause = Math.min(longestPause, pause * 2);
    }
    const status = JSON.stringify(await simulation.execution.query('status'));
    simulation.wrong.push(`has not ended after ${simulation.at / 1_000} s: ${status}`);
  }

  private async look(): Promise<void> {
    const { execution } = this.simulation;
    const status = (await execution.query('status')) as Status | undefined;
    if (status === undefined || execution.end !== undefined) return;
    this.check(status);
    for (const deed of this.deeds(status)) await this.simulation.perform(deed);
  }

  /** What a status may not say. */
  private check(status: Status): void {
    const { wrong, execution, at } = this.simulation;
    const say = (text: string) => wrong.push(`after ${at} ms the status ${text}: ${JSON.stringify(status)}`);
    if (status.needsPerson !== null && status.waitingFor.length === 0) say('needs a person and does not say for what');
    if (execution.isIdle && status.waitingFor.length === 0) say('waits for nothing, and nothing goes on');
    if (status.pastNoReturn && status.phase === 'cancelling') say('cancels past the point of no return');
  }

  private deeds(status: Status): { what: string; payload?: unknown }[] {
    const { plan } = this.simulation;
    const wanted = { what: plan.finally, ...(plan.finally === 'complete' ? { payload: {} } : {}) };
    const waiting = status.waitingFor.join('; ');
    if (waiting === 'the copy to finish' || waiting.endsWith(' to finish')) return [];
    if (waiting.startsWith('resume') || waiting.startsWith('a person')) return [{ what: 'resume' }];
    if (waiting.startsWith('vdiff once more')) return [{ what: ++this.vdiffs > 3 ? 'cancel' : 'vdiff' }];
    if (waiting === 'complete, or cancel') return [wanted];
    if (status.lastError !== null && this.simulation.isQuiet) return [{ what: 'retry' }];
    return [];
  }
}
