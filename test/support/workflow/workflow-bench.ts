import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
  type WorkflowOptions,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { binaries, installTemporal, installTimeSkipping } from '../../../lab/install.js';
import { timeSkippingServerPath } from '../../../lab/temporal.js';
import { parseWorkflowIdentifier } from '../../../src/migration/input/identifier.js';
import type { MigrationRef } from '../../../src/migration/plan/reference.js';
import type { MigrateResult } from '../../../src/migration/lifecycle/result.js';
import type { Status } from '../../../src/migration/lifecycle/status.js';
import { statusOf } from '../status.js';
import { bundle, type WorkflowBundle } from './bundle.js';
import { Script, scriptedActivities } from './scripted-activities.js';

export type History = Awaited<ReturnType<WorkflowHandleWithFirstExecutionRunId['fetchHistory']>>;

const quiet = new DefaultLogger('ERROR');
const withoutComparison = new URL('./without-comparison.ts', import.meta.url);
const withoutHeartbeatTimeouts = new URL('./without-heartbeat-timeouts.ts', import.meta.url);
/** Milliseconds: how long a server may take to start. */
const patience = 300_000;
let installed = false;

/** The SDK's native runtime, silent: a refused update or a cancelled activity is no news here. */
export function beQuiet(): void {
  if (installed) return;
  installed = true;
  Runtime.install({ logger: quiet, telemetryOptions: { logging: { filter: 'OFF' } } });
}

export interface BenchOptions {
  /** For activities in which days pass: see without-heartbeat-timeouts.ts. */
  daysPass?: boolean;
  /** 0: every workflow task replays the whole history. */
  maxCachedWorkflows?: number;
  /** How often an activity's heartbeat goes to the server, and may bring back a cancellation; default 20. */
  heartbeatMs?: number;
  /** Another server than the time-skipping one, on which rows are not compared beside the other steps. */
  environment?: TestWorkflowEnvironment;
}

/** Time-outs of a workflow, which a migration must not have. */
type TimeOuts = Pick<WorkflowOptions, 'workflowExecutionTimeout' | 'workflowRunTimeout'>;

/** A Temporal server and one worker with scripted activities; each migration has a script of its own. */
export class Bench {
  private readonly scripts = new Map<string, Script>();
  private readonly runs: { workflowId: string }[] = [];
  readonly taskQueue = randomUUID();
  private named = 0;
  private worker: { worker: Worker; ended: Promise<void> } | undefined;

  private constructor(
    readonly env: TestWorkflowEnvironment,
    private readonly code: WorkflowBundle,
    private readonly options: BenchOptions,
  ) {}

  static async start(options: BenchOptions = {}): Promise<Bench> {
    beQuiet();
    const code = await bundle(
      ...(options.daysPass === true ? [withoutHeartbeatTimeouts] : []),
      ...(options.environment === undefined ? [withoutComparison] : []),
    );
    const env = options.environment ?? (await timeSkipping());
    const bench = new Bench(env, code, options);
    await bench.startWorker();
    return bench;
  }

  async startWorker(): Promise<void> {
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: this.taskQueue,
      workflowBundle: this.code,
      activities: scriptedActivities((workflowId) => this.scriptOf(workflowId)),
      // Only an activity that hangs takes that long.
      shutdownForceTime: '20 s',
      maxHeartbeatThrottleInterval: this.options.heartbeatMs ?? 20,
      defaultHeartbeatThrottleInterval: this.options.heartbeatMs ?? 20,
      ...(this.options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: this.options.maxCachedWorkflows }),
    });
    this.worker = { worker, ended: worker.run() };
  }

  async stopWorker(): Promise<void> {
    this.worker?.worker.shutdown();
    await this.worker?.ended;
    this.worker = undefined;
  }

  async stop(): Promise<void> {
    try {
      await this.stopWorker();
    } finally {
      // Whatever happened: the server is a process of its own and must not stay behind.
      await this.env.teardown();
    }
  }

  /** Starts a migration with a valid input, changed as given, under a workflow ID nobody has used. */
  async migrate(
    script: Script,
    changes: Record<string, unknown> = {},
    workflowId = `commerce.wf_${this.named++}`,
    options: TimeOuts = {},
  ): Promise<Migration> {
    const all = 'adopt' in changes ? {} : { all: true };
    const input = { source: 'ext1.load', target: workflowId, ...all, ...changes };
    return new Migration(await this.start('migrate', workflowId, [input], script, options));
  }

  /** Starts any workflow with these very arguments. */
  async start(
    type: string,
    workflowId: string,
    args: unknown[],
    script: Script,
    options: TimeOuts = {},
  ): Promise<WorkflowHandleWithFirstExecutionRunId> {
    this.scripts.set(workflowId, script);
    const handle = await this.env.client.workflow.start(type, {
      taskQueue: this.taskQueue,
      workflowId,
      args,
      ...options,
    });
    this.runs.push(handle);
    return handle;
  }

  /** The histories of a workflow, the last run's first. */
  async historiesOf(workflowId: string): Promise<History[]> {
    return (await this.runsOf(workflowId)).map(({ history }) => history);
  }

  /** The run IDs of a workflow, the last run's first. */
  async runIdsOf(workflowId: string): Promise<string[]> {
    return (await this.runsOf(workflowId)).map(({ runId }) => runId);
  }

  private async runsOf(workflowId: string): Promise<{ runId: string; history: History }[]> {
    const runs: { runId: string; history: History }[] = [];
    for (let { runId } = await this.env.client.workflow.getHandle(workflowId).describe(); runId !== '';) {
      const history = await this.env.client.workflow.getHandle(workflowId, runId).fetchHistory();
      runs.push({ runId, history });
      runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    }
    return runs;
  }

  /** Replays everything that has run here; answers what did not replay, by workflow ID. */
  async replayAll(): Promise<{ replayed: number; broken: string[] }> {
    const histories = (
      await Promise.all(
        this.runs.map(async ({ workflowId }) =>
          (await this.historiesOf(workflowId)).map((history) => ({ workflowId, history })),
        ),
      )
    ).flat();
    const broken: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: this.code }, histories)) {
      if (error !== undefined) broken.push(`${workflowId}: ${error.message}`);
    }
    return { replayed: histories.length, broken };
  }

  private scriptOf(workflowId: string): Script {
    const script = this.scripts.get(workflowId);
    if (script === undefined) throw ApplicationFailure.nonRetryable(`no script for ${workflowId}`);
    return script;
  }
}

/** A running migration, with what its users do. */
export class Migration {
  constructor(readonly handle: WorkflowHandleWithFirstExecutionRunId) {}

  /** Skips time meanwhile. */
  async result(): Promise<MigrateResult> {
    return (await this.handle.result()) as MigrateResult;
  }

  /** The failure of a workflow that must fail. */
  async failure(): Promise<Error> {
    try {
      await this.handle.result();
    } catch (error) {
      if (error instanceof WorkflowFailedError && error.cause !== undefined) return error.cause;
      throw error;
    }
    throw new Error('the workflow has not failed');
  }

  status(): Promise<Status> {
    return statusOf(this.handle);
  }

  /** Asks for the status until it is as wanted. */
  async until(wanted: (status: Status) => boolean): Promise<Status> {
    for (let pause = 25, deadline = Date.now() + 240_000; ; pause = Math.min(pause * 2, 400)) {
      const status = await this.status();
      if (wanted(status)) return status;
      if (Date.now() > deadline) throw new Error(`the status never came: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  update<T>(name: string, ...payload: [unknown?]): Promise<T> {
    return payload.length === 0
      ? this.handle.executeUpdate<T, []>(name)
      : this.handle.executeUpdate<T, [unknown]>(name, { args: [payload[0]] });
  }

  /** Sends an update and comes back when it has been accepted; the answer is still to come. */
  async ask<T>(name: string, payload: unknown = {}): Promise<{ answer: Promise<T> }> {
    const update = await this.handle.startUpdate<T, [unknown]>(name, { args: [payload], waitForStage: 'ACCEPTED' });
    return { answer: update.result() };
  }

  /** The reason for which an update is refused, or fails. */
  async refusal(name: string, payload: unknown = {}): Promise<Error> {
    try {
      await this.update(name, payload);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError && error.cause !== undefined) return error.cause;
      throw error;
    }
    throw new Error(`the update ${name} has not been refused`);
  }

  /** Events in the history. */
  async events(): Promise<number> {
    return (await this.handle.fetchHistory()).events?.length ?? 0;
  }
}

/** How the activities of a migration know it. */
export function refOf({ handle }: Migration): MigrationRef {
  return { id: parseWorkflowIdentifier(handle.workflowId), runId: handle.firstExecutionRunId };
}

/** @param events after which Temporal suggests to continue as new; undefined for its default of 4,096 */
export function suggestingContinueAsNewAfter(events: number | undefined): string[] {
  return events === undefined ? [] : ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${events}`];
}

/** A real dev server in memory, in which time passes as it does. */
export async function devServer(...extraArgs: string[]): Promise<TestWorkflowEnvironment> {
  beQuiet();
  await installTemporal();
  return started(() =>
    TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path: binaries().temporal },
        log: { format: 'pretty', level: 'never' },
        extraArgs,
      },
    }),
  );
}

async function timeSkipping(): Promise<TestWorkflowEnvironment> {
  await installTimeSkipping();
  return started(() =>
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: timeSkippingServerPath() } },
    }),
  );
}

/** The SDK gives a server five seconds to start. A busy machine may need more: tried again, until the hook ends. */
async function started(
  start: () => Promise<TestWorkflowEnvironment>,
  deadline = Date.now() + patience,
): Promise<TestWorkflowEnvironment> {
  try {
    return await start();
  } catch (error) {
    if (Date.now() > deadline) throw error;
    await sleep(1_000);
    return started(start, deadline);
  }
}
