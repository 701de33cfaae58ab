import { setTimeout as sleep } from 'node:timers/promises';
import { sourceMount } from '../support/lab/lab.js';
import type { Program } from '../support/lab/program.js';
import { Account } from './account.js';
import { Follower, type Outcome } from './lifecycle.js';
import { judge, type Verdict } from './judge.js';
import { freezeTarget, makeTables, perform, removeEverything } from './servers.js';
import { describeScenario, type Moment, type Scenario } from './scenario.js';
import { Writers } from './writers.js';

/** DDL that has been carried out: what it was, on which table, and when it had ended. */
export interface Done {
  kind: string;
  table: string;
  /** Of the account. */
  phase: string;
  endedAt: number;
}

/** One random migration on real clusters. */
export class Run {
  readonly account = new Account();
  readonly done: Done[] = [];
  private readonly under: Promise<unknown>[] = [];
  private readonly begun = new Set<Moment>();
  private follower: Follower | undefined;
  private seen = '';

  constructor(
    readonly scenario: Scenario,
    private readonly program: Program,
  ) {}

  /** Migrates, judges, and leaves the servers as they were. */
  async whole(): Promise<Verdict> {
    const { scenario, account } = this;
    try {
      await makeTables(scenario, account);
      const writers = new Writers(scenario.writers, scenario.tables, scenario.fenced, account);
      const outcome = await this.migrate(writers).finally(() => writers.stop());
      account.note('referee', outcome.completed ? 'completed' : `not completed: ${JSON.stringify(outcome)}`);
      await Promise.all(this.under);
      const returnableAt = this.follower?.returnableAt ?? 0;
      return await judge({
        scenario,
        account,
        outcome,
        done: this.done,
        returnableAt,
        program: this.program,
        handle: this.handle,
      });
    } finally {
      await this.program.settle();
      await removeEverything(scenario);
    }
  }

  get describe(): string {
    return `${describeScenario(this.scenario)}\n\n${this.account.text}`;
  }

  private get handle(): Follower['handle'] {
    if (this.follower === undefined) throw new Error('nothing has been started');
    return this.follower.handle;
  }

  private async migrate(writers: Writers): Promise<Outcome> {
    await this.reach('before Create');
    await sleep(300);
    await Promise.all(this.under);
    const follower = await this.create();
    const copied = await follower.until(({ phase }) => phase === 'replicating' && !follower.resting, 180);
    if (copied !== undefined) return copied;
    await this.replicate();
    const { fenced } = this.scenario;
    await this.reach('before Complete');
    await Promise.all(this.under);
    if (!fenced) await writers.stop();
    await this.reach('completing');
    await this.account.doing('user', 'complete', () => follower.handle.signal('complete', { fenceSource: fenced }));
    return (await follower.until(() => false, 120)) ?? { completed: false, ended: false, reasons: [] };
  }

  private async create(): Promise<Follower> {
    const { tables, keyspace, seed, repaired } = this.scenario;
    const input = {
      source: 'ext1.load',
      target: `${keyspace}.referee${seed}`,
      tables: tables.map(({ name }) => name),
      mount: sourceMount,
      accept: ['float-column', 'member-lost', 'no-primary-key'],
      repairFloats: repaired,
    };
    const handle = await this.account.doing('user', JSON.stringify(input), () => this.program.migrate(input));
    this.follower = new Follower(handle, this.account, (phase) => this.see(phase));
    return this.follower;
  }

  private async replicate(): Promise<void> {
    await this.reach('replicating');
    await sleep(700);
    await Promise.all(this.under);
    if (this.scenario.vdiffAgain) await this.account.doing('user', 'vdiff', () => this.handle.executeUpdate('vdiff'));
  }

  private see(phase: string): void {
    if (phase !== this.seen) this.account.note('migration', phase);
    this.seen = phase;
    if (phase === 'copying' || phase === 'verifying') void this.reach(phase);
  }

  /** Begins what the seed has for this moment. What happens before Complete has ended when Complete is asked for. */
  private async reach(moment: Moment): Promise<void> {
    if (this.begun.has(moment)) return;
    this.begun.add(moment);
    this.account.phase = moment;
    const { ddl, mishap } = this.scenario;
    for (const event of ddl.filter((each) => each.moment === moment))
      this.under.push(sleep(event.delayMs).then(() => perform(event.ddl, this.account, this.done)));
    if (mishap?.moment === moment) this.under.push(sleep(mishap.delayMs).then(() => this.mishap(mishap.kind)));
    await sleep(0);
  }

  private async mishap(kind: NonNullable<Scenario['mishap']>['kind']): Promise<void> {
    await this.account.doing('mishap', kind, async () => {
      if (kind === 'worker killed') {
        await this.program.killWorker();
        await this.program.startWorker();
      } else if (kind === 'target tablet frozen') await freezeTarget(this.scenario.keyspace, 2_000);
      else await this.pauseAndResume();
    });
  }

  private async pauseAndResume(): Promise<void> {
    const { follower, handle } = this;
    if (follower === undefined) return;
    follower.resting = true;
    await handle.executeUpdate('pause');
    await sleep(500);
    await handle.executeUpdate('resume');
    follower.resting = false;
  }
}
