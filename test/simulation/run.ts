import { gunzipSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { allActivities } from '../../src/activities/index.js';
import type { MigrateResult } from '../../src/migration/lifecycle/result.js';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { VReplicationWorkflowState as State } from '../../src/vitess/wire/binlogdata_pb.js';
import { buildClients } from '../../src/worker.js';
import { Random } from '../referee/random.js';
import { passing } from '../support/fakes/intercept.js';
import { lifelike } from '../support/fakes/pace.js';
import { fakeConfig, World } from '../support/fakes/world.js';
import type { AttemptId, Host, Work } from './activity-task.js';
import { Clock } from './clock.js';
import { Execution, payloads, type Answer, type End } from './execution.js';
import { fateOf, isEffect, isTo, theLock, type Aimed, type Fate, type Kind } from './faults.js';
import { judge } from './judge.js';
import { LookAfter } from './look-after.js';
import type { Deed, Plan } from './plan.js';
import { SimulatedWorker, type Call } from './worker.js';

/** Milliseconds: longer than any worker stands frozen and any lease lasts. */
const afterwards = 60_000;
/** Takeovers in a row that the end of a run may need. */
const mostTakeovers = 8;

/** How a seed has ended. */
export interface Verdict {
  /** `nothing`: nothing was begun, or a takeover has found nothing. */
  outcome: MigrateResult['outcome'] | 'failed' | 'nothing';
  /** What the last run of the workflow has returned, if it has returned something. */
  result: MigrateResult | undefined;
  /** What is wrong, in words. */
  wrong: string[];
  /** All that happened, with its time: the same to the byte each time. */
  trace: string;
  /** How often each kind of fault has struck. */
  struck: Struck;
  calls: number;
  /** Time that was skipped, in milliseconds. */
  skipped: number;
}

type Struck = Partial<Record<Kind | 'outage', number>>;

/** What happens in a run besides its plan, and whoever watches it. */
export interface Course {
  /** Returns when the run is over, or should be. What is wrong it adds to `wrong`. */
  watch: (simulation: Simulation) => Promise<void>;
  /** Whenever an attempt of a step begins, with its arguments. */
  onStep?: (simulation: Simulation, id: AttemptId, args: readonly unknown[]) => void;
  /** Told of each external call. */
  onCall?: (id: AttemptId, call: Call) => void;
}

/** A person looks after the run of a seed. */
const lookedAfter: Course = { watch: (simulation) => new LookAfter(simulation).untilOver() };

/** A migration in a world of its own, under its own time. */
export class Simulation {
  readonly world = new World(lifelike);
  readonly wrong: string[] = [];
  readonly workflowId: string;
  /** Of the workflow's run that goes on, or was the last. */
  execution!: Execution;
  result: MigrateResult | undefined;
  outcome: Verdict['outcome'] = 'nothing';
  over = false;
  /** How it ends, as an update was told. */
  promised: Verdict['outcome'] | undefined;
  /** The target serves the tables: also where nobody has been told so, because the workflow was terminated then. */
  served = false;
  /** The run is one that takes a migration over. */
  adopts = false;
  /** Tables of the source that clients have dropped. */
  readonly dropped = new Set<string>();
  private readonly performed = new Set<string>();
  private terminated = false;
  private readonly optionsAsked: Record<string, unknown>[] = [];
  private calls = 0;
  private runs = 0;
  private takeovers = 0;
  private readonly startedAt: number;
  private readonly lines: string[] = [];
  private readonly struck: Struck = {};
  private readonly begun = new Map<string, number>();
  /** The latest attempt of each run of a step. */
  private readonly attempts = new Map<string, number>();
  private readonly workers = new Set<SimulatedWorker>();
  private readonly executions: Execution[] = [];
  private readonly latencies: Random;
  private stopWriters: () => void = () => undefined;
  /** Of this run: when Cancel reached it, and whether Create was done. */
  private cancelledAt = Infinity;
  private createDone = false;
  private puttingBackAt = Infinity;

  constructor(
    readonly plan: Plan,
    readonly clock: Clock,
    private readonly creator: WorkflowCreator,
    private readonly course: Course,
  ) {
    this.startedAt = clock.now;
    this.workflowId = `${plan.keyspace}.wf`;
    this.latencies = new Random(`simulation ${plan.seed} latencies`);
  }

  /** Runs a plan to its end, and judges it. */
  static whole(plan: Plan, creator: WorkflowCreator, course = lookedAfter): Promise<Verdict> {
    const clock = new Clock();
    return clock.during(() => new Simulation(plan, clock, creator, course).run());
  }

  /** Milliseconds since the beginning. */
  get at(): number {
    return this.clock.now - this.startedAt;
  }

  /** Faults come no more, and all servers are there. */
  get isQuiet(): boolean {
    const { faults, outages, holds } = this.plan;
    return this.at > Math.max(faults.until, ...outages.map(({ to }) => to), ...holds.map(({ to }) => to));
  }

  note(text: string): void {
    this.lines.push(`${String(this.at).padStart(7)} ${text}`);
  }

  /** How often a step has been scheduled by now. */
  times(step: string): number {
    return this.begun.get(step) ?? 0;
  }

  /** Does a deed, unless one of its name has been done. */
  once(deed: Omit<Deed, 'at'>): void {
    if (!this.performed.has(deed.what)) void this.perform(deed);
  }

  /** Does one of the plan's deeds, or one of whoever looks after the migration. */
  async perform({ what, by = 'signal', payload }: Omit<Deed, 'at'>): Promise<void> {
    const args = payload === undefined ? [] : [payload];
    this.note(
      `> ${what}${by === 'update' ? ' by update' : ''} ${payload === undefined ? '' : JSON.stringify(payload)}`,
    );
    this.performed.add(what);
    if (what.startsWith('streams ')) this.stopStreams(what, String(payload));
    else if (what === 'table is dropped') this.drop(String(payload));
    else if (what === 'worker dies') for (const worker of this.workers) void worker.die();
    else if (what === 'workflow is replayed') await this.replay();
    else if (what === 'terminate') this.execution.terminate();
    else if (what === 'Temporal cancels') this.execution.cancel();
    else if (by === 'signal') this.execution.signal(what, args);
    else void this.execution.update(what, args).then((answer) => this.hear(what, answer));
    this.remember(what, payload);
  }

  private remember(what: string, payload: unknown): void {
    if (what === 'updateOptions') this.optionsAsked.push(payload as Record<string, unknown>);
    if (what === 'cancel' || what === 'Temporal cancels') this.cancelledAt = Math.min(this.cancelledAt, this.at);
  }

  /** Vitess ends streams with a message, or another program stops them. */
  private stopStreams(what: string, message: string): void {
    for (const { tablet } of this.world.target.shards)
      for (const stream of tablet.vreplication.streams) {
        if (stream.state === State.Stopped) continue;
        stream.controlled = false;
        stream.state = what === 'streams end' ? State.Error : State.Stopped;
        stream.message = message;
      }
  }

  /** Clients drop a table of the source. */
  private drop(table: string): void {
    this.world.sourceMysql.dropTable(table);
    this.dropped.add(table);
  }

  /** Takes over what is in the cluster, as the command line does. */
  takeOver(input: Record<string, unknown>): void {
    if (!this.hasLeftovers) {
      this.note('there is nothing to take over');
      this.over = true;
      return;
    }
    if (++this.takeovers > mostTakeovers) {
      this.wrong.push('takeovers do not end it');
      this.over = true;
      return;
    }
    this.note(`taken over ${JSON.stringify(input)}`);
    this.adopts = true;
    this.begin({ source: 'ext1.load', target: this.workflowId, ...input });
    if (input['adopt'] === 'cancel') this.cancelledAt = this.at;
  }

  /** A journal or streams of the migration are there. */
  get hasLeftovers(): boolean {
    const { target } = this.world;
    const streams = target.shards.some(({ tablet }) => tablet.vreplication.streams.length > 0);
    return this.journal !== undefined || streams;
  }

  get journal(): { runId: string; forward: boolean; cancelling: boolean } | undefined {
    const stored = this.world.target.etcd.read(this.journalPath);
    return stored === undefined ? undefined : (JSON.parse(Buffer.from(stored.value).toString()) as never);
  }

  private get journalPath(): string {
    return `/vitess/global/vtmigrate/${this.plan.keyspace}/wf`;
  }

  private prepare(): void {
    const { plan, world } = this;
    if (plan.secondCell) world.target.addCell('zone2');
    if (plan.replicas) {
      world.source.addReplica('load', '0', 300);
      for (const [n, { keyspace, shard }] of world.target.shardsOf(plan.keyspace).entries())
        world.target.addReplica(keyspace, shard, 301 + n, plan.secondCell ? 'zone2' : 'zone1');
    }
    if (plan.mounted) world.mount();
    for (const table of plan.there)
      for (const { tablet } of world.target.shardsOf(plan.keyspace))
        tablet.mysql.createTable(world.sourceMysql.table(table).ddl);
  }

  private async run(): Promise<Verdict> {
    const { plan, world, clock } = this;
    this.prepare();
    const before = world.snapshot();
    if (plan.writers !== 'none') this.stopWriters = world.startWriters(700);
    this.schedule();
    this.begin({ source: 'ext1.load', target: this.workflowId, all: true, ...plan.input });
    try {
      await this.course.watch(this);
      this.stopWriters();
      await clock.run(() => false, afterwards);
      await this.takeOverLate();
      await this.heedWarnings();
      if (this.over) this.wrong.push(...judge(this, before));
    } catch (error) {
      this.wrong.push(`broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    for (const execution of this.executions) await execution.dispose();
    this.note(`the end: ${this.outcome}`);
    for (const text of this.wrong) this.note(`! ${text}`);
    const { outcome, result, wrong, struck, calls } = this;
    return { outcome, result, wrong, struck, calls, trace: this.lines.join('\n'), skipped: this.at };
  }

  /**
   * A step of a terminated run goes on until its next heartbeat, and may begin a journal after all. So may a Cancel leave
   * one that cannot reach the topology; it says so.
   */
  private async takeOverLate(): Promise<void> {
    const { warnings = [] } = this.result?.outcome === 'cancelled' ? this.result : {};
    const isTold = warnings.some(({ message }) => message.includes('may have been left behind'));
    if (!(this.terminated || isTold) || !this.hasLeftovers || !this.over) return;
    this.over = false;
    this.takeOver({ adopt: 'cancel' });
    await this.course.watch(this);
    await this.clock.run(() => false, afterwards);
  }

  /** Where the migration has been put back, a person does what its warnings say. */
  private async heedWarnings(): Promise<void> {
    if (this.result?.outcome === 'completed') return;
    const status = (await this.execution.query('status')) as Status | undefined;
    for (const { code, place, remedy } of status?.warnings ?? []) {
      if (code !== 'CELL_NOT_REACHED') continue;
      this.note(`> ${remedy}`);
      this.world.target.rebuildVSchemaGraph(place.cell ?? '');
    }
  }

  private schedule(): void {
    const { clock, plan, world } = this;
    for (const deed of plan.deeds) if (deed.at.step === undefined) clock.at(deed.at.delay, () => this.perform(deed));
    const hold = (holds: boolean) => () => {
      for (const { tablet } of world.target.shards) tablet.vreplication.copyHolds = holds;
    };
    for (const { from, to } of plan.holds) {
      clock.at(from, hold(true));
      clock.at(to, hold(false));
    }
  }

  private begin(input: Record<string, unknown>): void {
    this.cancelledAt = Infinity;
    this.createDone = false;
    this.puttingBackAt = Infinity;
    const runId = `run-${this.runs + 1}`;
    this.startRun(payloads([input]), runId, undefined);
  }

  private startRun(args: ReturnType<typeof payloads>, firstRunId: string, continuedFrom: string | undefined): void {
    const runId = `run-${++this.runs}`;
    const execution = new Execution({
      creator: this.creator,
      host: this.hostOf(firstRunId),
      runId,
      firstRunId,
      continuedFrom,
      args,
      suggestAfter: this.plan.suggestAfter,
      nth: (step) => this.scheduled(step),
      ended: (end) => this.end(end, firstRunId, runId),
    });
    this.executions.push(execution);
    this.execution = execution;
  }

  /** @param owner how the journal names the migration of this run */
  private hostOf(owner: string): Host {
    return {
      clock: this.clock,
      workflowId: this.workflowId,
      latency: () => this.latencies.int(1, 8),
      take: (id) => this.take(id, owner),
    };
  }

  /** A step is scheduled: its number, for all runs of the workflow. */
  private scheduled(step: string): number {
    const nth = this.times(step) + 1;
    this.begun.set(step, nth);
    if (step === 'observe') this.createDone = true;
    if (step === 'cancel') this.puttingBackAt = Math.min(this.puttingBackAt, this.at);
    if (step === 'serve') this.served = true;
    if (step === 'prove' && this.plan.writers === 'early') this.stopWriters();
    const cancelCame = this.cancelledAt + cancelReaches < this.at;
    if (step === 'finish' && cancelCame && this.journal?.forward !== true)
      this.wrong.push(`finish ${nth} begins ${this.at - this.cancelledAt} ms after Cancel`);
    return nth;
  }

  private take(id: AttemptId, owner: string): Work {
    const { step, nth, attempt } = id;
    this.attempts.set(`${step} ${nth}`, attempt);
    this.note(`${step} ${nth}${attempt > 1 ? `, attempt ${attempt}` : ''}`);
    if (attempt === 1)
      for (const deed of this.plan.deeds)
        if (deed.at.step === step && deed.at.nth === nth) this.clock.at(deed.at.delay, () => this.perform(deed));
    const worker = new SimulatedWorker(id, {
      clock: this.clock,
      leaseTtl: lifelike.leaseTtl,
      fate: (call) => this.fate(id, call),
      sends: (what) => this.sends(id, owner, what),
      away: (what) => this.away(what),
    });
    this.workers.add(worker);
    const { clients } = buildClients(fakeConfig, passing(this.world.connectors(), worker.pass));
    const steps = allActivities(clients) as unknown as Record<string, Work['run']>;
    const run = async (...args: unknown[]) => {
      this.course.onStep?.(this, id, args);
      try {
        return await steps[step]?.(...args);
      } catch (error) {
        this.note(`${step} ${nth}, attempt ${attempt}: ${briefly(error)}`);
        throw error;
      } finally {
        worker.end();
        this.workers.delete(worker);
      }
    };
    return { process: worker, run };
  }

  private fate(id: AttemptId, call: Call): Fate {
    this.calls++;
    this.course.onCall?.(id, call);
    const { aimed, faults, seed } = this.plan;
    const aim = aimed.find((each) => isAt(each, id, call));
    const fate = {
      ...fateOf(seed, call.name, faults, this.at),
      ...(aim === undefined ? {} : { kind: aim.kind, ms: aim.ms }),
    };
    if (fate.kind === undefined) return fate;
    const struck = Object.values(this.struck).reduce((sum, each) => sum + each, 0);
    if (aim === undefined && (struck >= faults.budget || this.at > faults.until))
      return { ...fate, kind: undefined, ms: 0 };
    this.struck[fate.kind] = (this.struck[fate.kind] ?? 0) + 1;
    this.note(`* ${fate.kind}${fate.ms === 0 ? '' : ` ${fate.ms} ms`}: ${call.name}`);
    return fate;
  }

  /**
   * Once another attempt of its step has begun, an attempt may change nothing; once another run has the migration, a step
   * under locks may change nothing.
   */
  private sends({ step, nth, attempt }: AttemptId, owner: string, what: string): void {
    if (!isEffect(what)) return;
    const latest = this.attempts.get(`${step} ${nth}`) ?? attempt;
    if (attempt < latest)
      this.wrong.push(`${step} ${nth}, attempt ${attempt} sends ${what}, and attempt ${latest} has begun`);
    const { runId } = this.journal ?? {};
    if (runId === undefined || !isOlder(owner, runId) || isUnlocked(step, what)) return;
    this.wrong.push(`${step} ${nth} of ${owner} sends ${what}, and the migration is that of ${runId}`);
  }

  private away(what: string): 'silent' | 'refuses' | undefined {
    const outage = this.plan.outages.find(
      ({ server, from, to }) => from <= this.at && this.at < to && isTo(server, what),
    );
    if (outage === undefined) return undefined;
    this.struck['outage'] = (this.struck['outage'] ?? 0) + 1;
    return outage.silent ? 'silent' : 'refuses';
  }

  private async replay(): Promise<void> {
    try {
      await this.execution.replay();
    } catch (error) {
      this.wrong.push(`does not replay: ${String(error)}`);
    }
  }

  private hear(what: string, answer: Answer): void {
    const text = 'refusal' in answer ? `refused: ${briefly(answer.refusal)}` : JSON.stringify(answer.outcome);
    this.note(`< ${what}: ${text.slice(0, 200)}`);
    const outcome = 'refusal' in answer ? undefined : (answer.outcome as { outcome?: string } | undefined)?.outcome;
    if (what === 'cancel' && outcome === 'cancelled') this.promised = 'cancelled';
    if (outcome === 'completed') this.promised = 'completed';
    if (outcome === 'updated') this.wrong.push(...this.notUpdated());
  }

  /** The one change of options that was asked for must be in the record. */
  private notUpdated(): string[] {
    const [asked = {}, ...others] = this.optionsAsked;
    const stored = this.world.target.etcd.read(`${this.journalPath}/record`);
    if (others.length > 0 || stored === undefined) return [];
    const { input } = JSON.parse(gunzipSync(stored.value).toString()) as { input: Record<string, unknown> };
    return Object.entries(asked)
      .filter(([option, value]) => JSON.stringify(input[option]) !== JSON.stringify(value))
      .map(([option]) => `${option} was said to be changed, and is ${JSON.stringify(input[option])}`);
  }

  private end(end: End, firstRunId: string, runId: string): void {
    const cutOff = [...this.execution.owed.values()];
    if (cutOff.length > 0 && end.how !== 'terminated')
      this.wrong.push(`the run has ${end.how} with updates unanswered: ${cutOff.join(', ')}`);
    this.note(`the run has ${end.how}${end.how === 'failed' ? `: ${end.error.message}` : ''}`);
    if (end.how === 'terminated') this.terminated = true;
    if (end.how === 'continued') this.startRun(end.args, firstRunId, runId);
    else if (end.how === 'terminated') this.clock.at(this.plan.takeoverAfter, () => this.takeOver(this.plan.takeover));
    else if (end.how === 'failed') this.fail(end.error);
    else {
      this.result = end.how === 'completed' ? (end.result as MigrateResult) : undefined;
      this.outcome = this.result?.outcome ?? 'cancelled';
      this.over = true;
    }
  }

  /** It must have put everything back, unless it says otherwise or has only tried to take something over. */
  private fail(error: Error): void {
    const code = error instanceof ApplicationFailure ? error.type : undefined;
    if (typeof code !== 'string' || code === 'Error') this.wrong.push(`failed without a code: ${error.message}`);
    if (this.createDone) this.wrong.push(`failed after Create: ${error.message}`);
    this.outcome = 'failed';
    if (!this.adopts && this.cancelledAt + cancelReaches < Math.min(this.at, this.puttingBackAt))
      this.wrong.push(`failed ${this.at - this.cancelledAt} ms after Cancel: ${error.message}`);
    const mayLeave = this.adopts || error.message.includes('may have been left behind');
    if (!this.hasLeftovers) this.over = true;
    else if (mayLeave) {
      const adopt = this.journal?.forward === true ? 'complete' : 'cancel';
      this.clock.at(10_000, () => this.takeOver({ adopt }));
    } else {
      this.wrong.push(`failed, and left a journal or streams behind: ${error.message}`);
      this.over = true;
    }
  }
}

/** Steps that change something without the migration's locks. So are VDiffs deleted, which may hold one of them. */
const unlocked: ReadonlySet<string> = new Set(['mount', 'preflight', 'vdiff', 'checksum', 'checksumNow']);
const isUnlocked = (step: string, what: string): boolean => unlocked.has(step) || what.includes(' vDiff ');
/** Milliseconds within which a message has reached the workflow. */
const cancelReaches = 50;

function isAt(aim: Aimed, { step, nth, attempt }: AttemptId, { name, numbers }: Call): boolean {
  if (aim.step !== step || aim.nth !== nth || aim.attempt !== attempt) return false;
  if (aim.call === theLock) return / lock .* \(1\)$/.test(name);
  return aim.call === numbers[aim.of ?? 'changes'];
}

/** Runs are numbered in their order. */
function isOlder(runId: string, other: string): boolean {
  return Number(runId.slice(4)) < Number(other.slice(4));
}

function briefly(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, 160);
}
