import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { allActivities, type Activities } from '../../../src/activities/index.js';
import type { TopologyWrite } from '../../../src/migration/plan/topology-write.js';
import type { MigrateResult } from '../../../src/migration/lifecycle/result.js';
import { buildClients } from '../../../src/worker.js';
import { passing } from './intercept.js';
import { fakeConfig, World } from './world.js';
import { isMount, isOfCompleted, leftBehind, unreadable } from './judge.js';
import { Attempt, type FaultKind } from './fault.js';
import { bundle } from '../workflow/bundle.js';
import { beQuiet, devServer } from '../workflow/workflow-bench.js';

export type StepName = keyof Activities;

/** One external call of a run: call number `call` of the first attempt of the step's `nth` run. All count from 1. */
export interface Effect {
  step: StepName;
  nth: number;
  call: number;
  what: string;
}

export interface Fault {
  effect: Effect;
  kind: FaultKind;
}

/** A course a migration takes, by itself or by the hand of whoever watches its steps. */
export interface Scenario {
  name: string;
  keyspace: 'commerce' | 'customer';
  input: Record<string, unknown>;
  end: 'completed' | 'cancelled';
  /** Before the migration starts. */
  prepare?: (world: World) => Promise<void> | void;
  /** Each time a step begins, with its arguments. */
  onStep?: (run: FaultRun, step: StepName, args: readonly unknown[]) => void;
  /** Keys of the snapshot that are to differ in the end besides those of every migration that completes. */
  changes?: RegExp;
  /** What is wrong with the end, in words. */
  check?: (run: FaultRun) => string[];
  /** Clients write to the source all the time. */
  writers?: true;
}

/** Milliseconds: a run that takes longer hangs. */
const patience = 600_000;
/** Calls in which `checksum` opens its tables and compares the first of them. */
const firstRound = 20;

/** A migration through real activities and clients in a world of its own. */
export class FaultRun {
  readonly world = new World();
  readonly effects: Effect[] = [];
  /** True once the fault has struck. */
  struck = false;
  handle: WorkflowHandle | undefined;
  result: MigrateResult | undefined;
  private readonly seen = new Map<StepName, string[]>();
  private readonly signalled = new Set<string>();

  constructor(
    readonly workflowId: string,
    readonly scenario: Scenario,
    readonly fault: Fault | undefined,
  ) {}

  /** How often a step has begun by now. */
  times(step: StepName): number {
    return this.seen.get(step)?.length ?? 0;
  }

  /** Sends a signal, once. */
  signal(name: string, ...args: unknown[]): void {
    if (this.signalled.has(name)) return;
    this.signalled.add(name);
    void this.handle?.signal<unknown[]>(name, ...args).catch(() => undefined);
  }

  /** One attempt of an activity. */
  async execute(step: StepName, args: readonly unknown[]): Promise<unknown> {
    const { activityId, attempt: count } = Context.current().info;
    const ids = this.seen.get(step) ?? [];
    if (!ids.includes(activityId)) ids.push(activityId);
    this.seen.set(step, ids);
    const nth = ids.indexOf(activityId) + 1;
    this.scenario.onStep?.(this, step, args);
    let call = 0;
    const attempt = new Attempt((what) => (count === 1 ? this.next({ step, nth, call: ++call, what }) : undefined));
    const { clients } = buildClients(fakeConfig, passing(this.world.connectors(), attempt.pass));
    const activities = allActivities(clients) as unknown as Record<
      StepName,
      (...args: readonly unknown[]) => Promise<unknown>
    >;
    try {
      return await Promise.race([activities[step](...args), attempt.death]);
    } finally {
      attempt.end();
    }
  }

  private next(effect: Effect): FaultKind | undefined {
    // It runs beside the steps: how often it runs, and how many rounds, is another number each time.
    if (effect.step === 'checksum' && (effect.nth > 1 || effect.call > firstRound)) return undefined;
    this.effects.push(effect);
    if (this.fault === undefined || this.struck) return undefined;
    const { step, nth, call } = this.fault.effect;
    if (effect.step !== step || effect.nth !== nth || effect.call !== call) return undefined;
    this.struck = true;
    return this.fault.kind;
  }
}

/** A Temporal server and a worker for many migrations at once, each in its own world, with at most one fault each. */
export class FaultBench {
  private readonly runs = new Map<string, FaultRun>();
  private count = 0;

  private constructor(
    private readonly env: TestWorkflowEnvironment,
    private readonly taskQueue: string,
    private worker: { worker: Worker; ended: Promise<void> } | undefined,
  ) {}

  static async start(): Promise<FaultBench> {
    beQuiet();
    const workflowBundle = await bundle(new URL('./hurried-time.ts', import.meta.url));
    const env = await devServer('--dynamic-config-value', 'history.timerProcessorMaxTimeShift="5ms"');
    const bench = new FaultBench(env, randomUUID(), undefined);
    const worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue: bench.taskQueue,
      workflowBundle,
      activities: bench.activities(),
      maxHeartbeatThrottleInterval: 20,
      defaultHeartbeatThrottleInterval: 20,
      shutdownForceTime: '5 s',
    });
    bench.worker = { worker, ended: worker.run() };
    return bench;
  }

  async stop(): Promise<void> {
    try {
      this.worker?.worker.shutdown();
      await this.worker?.ended;
    } finally {
      await this.env.teardown();
    }
  }

  /** Runs a scenario to its end and answers with what is wrong about it. */
  async run(scenario: Scenario, fault?: Fault): Promise<{ run: FaultRun; wrong: string[] }> {
    const workflowId = `${scenario.keyspace}.wf_${++this.count}`;
    const run = new FaultRun(workflowId, scenario, fault);
    this.runs.set(workflowId, run);
    await scenario.prepare?.(run.world);
    const before = run.world.snapshot();
    const handle = await this.start(workflowId, scenario.input);
    run.handle = handle;
    const stopWriters = scenario.writers === undefined ? () => undefined : run.world.startWriters(2);
    const wrong = await this.outcome(run, handle);
    stopWriters();
    this.runs.delete(workflowId);
    return { run, wrong: wrong.length > 0 ? wrong : await judge(run, before) };
  }

  /**
   * Makes a dry run of a scenario that has run before, under the same workflow ID and in a world of its own.
   * @returns the keys that it lists, and what it has changed in either cluster
   */
  async dryRun({ workflowId, scenario }: FaultRun): Promise<{ listed: TopologyWrite[]; changed: string[] }> {
    const run = new FaultRun(workflowId, { ...scenario, onStep: () => undefined }, undefined);
    this.runs.set(workflowId, run);
    await scenario.prepare?.(run.world);
    const before = run.world.snapshot();
    const handle = await this.start(workflowId, { ...scenario.input, dryRun: true });
    const result = (await handle.result()) as MigrateResult;
    this.runs.delete(workflowId);
    if (result.outcome !== 'planned') throw new Error(`the dry run ended ${result.outcome}`);
    const after = run.world.snapshot();
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return { listed: result.details.topologyWrites, changed: keys.filter((key) => before[key] !== after[key]) };
  }

  private start(workflowId: string, input: Record<string, unknown>): Promise<WorkflowHandle> {
    return this.env.client.workflow.start('migrate', {
      taskQueue: this.taskQueue,
      workflowId,
      args: [{ source: 'ext1.load', target: workflowId, all: true, ...input }],
    });
  }

  private async outcome(run: FaultRun, handle: WorkflowHandle): Promise<string[]> {
    const timer = new AbortController();
    const tooLong = new Promise<string[]>((resolve) => {
      const timeout = setTimeout(() => void this.stuck(handle).then((text) => resolve([text])), patience);
      timer.signal.addEventListener('abort', () => clearTimeout(timeout));
    });
    const result = handle.result().then(
      (value: unknown) => {
        run.result = value as MigrateResult;
        return run.result.outcome === run.scenario.end ? [] : [`ended ${run.result.outcome}`];
      },
      (error: unknown) => {
        const text = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        return [`failed: ${text}`];
      },
    );
    try {
      return await Promise.race([result, tooLong]);
    } finally {
      timer.abort();
    }
  }

  private async stuck(handle: WorkflowHandle): Promise<string> {
    const status = JSON.stringify(await handle.query('status').catch((error: unknown) => String(error)));
    await handle.terminate('it hangs').catch(() => undefined);
    return `has not ended after ${patience / 1000} s: ${status}`;
  }

  private activities(): Record<string, (...args: unknown[]) => Promise<unknown>> {
    const steps = Object.keys(allActivities(buildClients(fakeConfig, new World().connectors()).clients)) as StepName[];
    return Object.fromEntries(
      steps.map((step) => [
        step,
        (...args: unknown[]) => {
          const run = this.runs.get(Context.current().info.workflowExecution?.workflowId ?? '');
          return run === undefined ? Promise.reject(new Error('the run is over')) : run.execute(step, args);
        },
      ]),
    );
  }
}

/** What a run has left that it should not have, or not done that it should. */
async function judge(run: FaultRun, before: Record<string, string>): Promise<string[]> {
  const { world, scenario } = run;
  // The lease of a dead holder's lock has yet to run out.
  for (let i = 0; i < 50 && Object.keys(world.snapshot()).some((key) => key.includes('/locks/')); i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return [
    ...leftBehind(before, world.snapshot(), (key) => isExpected(scenario, key)),
    ...(scenario.check?.(run) ?? []),
    ...(scenario.end === 'completed' ? unreadable(world, scenario.keyspace) : []),
  ];
}

/** The mount is the user's. */
function isExpected(scenario: Scenario, key: string): boolean {
  if (isMount(key)) return scenario.input['mount'] !== undefined;
  if (scenario.changes?.test(key) === true) return true;
  return scenario.end === 'completed' && isOfCompleted(scenario.keyspace, key);
}
