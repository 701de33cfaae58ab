import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { MigrateResult } from '../../../src/migration/lifecycle/result.js';
import type { Status } from '../../../src/migration/lifecycle/status.js';
import { startWorker, type RunningWorker } from '../../../lab/worker.js';
import { statusOf } from '../status.js';
import { lab, run, type Answer } from './lab.js';

const faultyWorker = fileURLToPath(new URL('./faulty-worker.ts', import.meta.url));
const cli = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));

/** Milliseconds for which a migration that is cancelled is waited for. */
const patience = 600_000;

/** A worker of its own task queue in its own process, and everything a user does with it. */
export class Program {
  readonly taskQueue = `test-${randomUUID()}`;
  private worker: RunningWorker | undefined;

  private constructor(
    readonly client: Client,
    private readonly overrides: Record<string, string>,
  ) {}

  /** @param overrides environment of the worker and the command line that differs from the lab's */
  static async start(overrides: Record<string, string> = {}): Promise<Program> {
    const connection = await Connection.connect({ address: lab.temporal.address });
    const program = new Program(new Client({ connection }), overrides);
    await program.startWorker();
    return program;
  }

  private get environment(): NodeJS.ProcessEnv {
    return { ...lab.environment, ...this.overrides, VTMIGRATE_TASK_QUEUE: this.taskQueue };
  }

  async startWorker(): Promise<void> {
    this.worker = await startWorker(this.environment);
  }

  /** Another worker of the same task queue, which is ended by its own process. */
  anotherWorker(): Promise<RunningWorker> {
    return startWorker(this.environment);
  }

  /** Instead of the worker there is, one that dies of an external call, or freezes (see faulty-worker.ts), or counts. */
  async replaceWorker(...fault: string[]): Promise<RunningWorker> {
    await this.killWorker();
    this.worker = await startWorker(this.environment, ['--import', 'tsx', faultyWorker, ...fault]);
    return this.worker;
  }

  /** SIGKILL: nothing of the worker gets a chance to tidy up. */
  async killWorker(): Promise<void> {
    await this.worker?.kill();
    this.worker = undefined;
  }

  /**
   * Cancels what a test has left running, so that the next one finds the target empty. Without a worker nothing would
   * ever end.
   */
  async settle(): Promise<void> {
    for await (const { workflowId } of this.client.workflow.list({
      query: `TaskQueue = '${this.taskQueue}' and ExecutionStatus = 'Running'`,
    })) {
      const handle = this.client.workflow.getHandle(workflowId);
      await handle.signal('cancel').catch(() => undefined);
      const ended = handle.result().then(Boolean, Boolean);
      if (!(await Promise.race([ended, sleep(patience, false, { ref: false })])))
        await handle.terminate('its test has ended');
    }
  }

  async stop(): Promise<void> {
    await this.settle();
    await this.killWorker();
    await this.client.connection.close();
  }

  /** The command line, as a user types it. */
  cli(...args: string[]): Promise<Answer> {
    return run(process.execPath, [cli, ...args], this.environment);
  }

  /** Starts the workflow with plain JSON, as the Temporal UI does. */
  migrate(input: Record<string, unknown>): Promise<WorkflowHandle> {
    return this.client.workflow.start('migrate', {
      taskQueue: this.taskQueue,
      workflowId: String(input['target']),
      args: [input],
    });
  }
}

export async function resultOf(handle: WorkflowHandle): Promise<MigrateResult> {
  return (await handle.result()) as MigrateResult;
}

/** Asks for the status until it is as wanted. */
export async function until(
  handle: WorkflowHandle,
  wanted: (status: Status) => boolean,
  seconds = 300,
): Promise<Status> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const status = await statusOf(handle);
    if (wanted(status)) return status;
    if (Date.now() > deadline || status.phase === 'failed')
      throw new Error(`the status never came: ${JSON.stringify(status, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
