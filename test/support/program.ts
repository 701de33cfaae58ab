import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { MigrateResult } from '../../src/migration/result.js';
import type { Status } from '../../src/migration/status.js';
import { lab, run, type Answer } from './lab.js';

const dist = (path: string) => fileURLToPath(new URL(`../../dist/src/${path}`, import.meta.url));

/** A worker of its own task queue in its own process, and everything a user does with it. */
export class Program {
  readonly taskQueue = `test-${randomUUID()}`;
  private worker: ChildProcess | undefined;
  private log = '';

  private constructor(readonly client: Client) {}

  static async start(): Promise<Program> {
    const connection = await Connection.connect({ address: lab.temporal.address });
    const program = new Program(new Client({ connection }));
    await program.startWorker();
    return program;
  }

  private get environment(): NodeJS.ProcessEnv {
    return { ...lab.environment, VTMIGRATE_TASK_QUEUE: this.taskQueue };
  }

  /** What the worker has written so far. */
  get workerLog(): string {
    return this.log;
  }

  /** Starts the built worker and returns when it polls. */
  async startWorker(): Promise<void> {
    const worker = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, dist('worker.js')], { env: { ...process.env, ...this.environment }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.once('exit', (code) => {
        reject(new Error(`the worker ended with ${code ?? 'a signal'}:\n${this.log}`));
      });
      worker.stderr.on('data', (chunk: Buffer) => {
        this.log += chunk.toString();
        if (this.log.includes('vtmigrate worker: ')) resolve();
      });
    });
  }

  /** SIGKILL: nothing of the worker gets a chance to tidy up. */
  async killWorker(): Promise<void> {
    const { worker } = this;
    if (worker === undefined || worker.exitCode !== null) return;
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGKILL');
    await gone;
    this.log = '';
  }

  /** Cancels what a test has left running, so that the next one finds the target empty. */
  async settle(): Promise<void> {
    for await (const { workflowId } of this.client.workflow.list({ query: `TaskQueue = '${this.taskQueue}' and ExecutionStatus = 'Running'` })) {
      const handle = this.client.workflow.getHandle(workflowId);
      await handle.signal('cancel').catch(() => undefined);
      await handle.result().catch(() => undefined);
    }
  }

  async stop(): Promise<void> {
    await this.settle();
    await this.killWorker();
    await this.client.connection.close();
  }

  /** The command line, as a user types it. */
  cli(...args: string[]): Promise<Answer> {
    return run(process.execPath, [dist('cli/main.js'), ...args], this.environment);
  }

  /** Starts the workflow with plain JSON, as the Temporal UI does. */
  migrate(input: Record<string, unknown>): Promise<WorkflowHandle> {
    return this.client.workflow.start('migrate', { taskQueue: this.taskQueue, workflowId: String(input['target']), args: [input] });
  }
}

export async function statusOf(handle: WorkflowHandle): Promise<Status> {
  return handle.query<Status>('status');
}

export async function resultOf(handle: WorkflowHandle): Promise<MigrateResult> {
  return (await handle.result()) as MigrateResult;
}

/** Asks for the status until it is as wanted. */
export async function until(handle: WorkflowHandle, wanted: (status: Status) => boolean, seconds = 120): Promise<Status> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const status = await statusOf(handle);
    if (wanted(status)) return status;
    if (Date.now() > deadline || status.phase === 'failed') throw new Error(`the status never came: ${JSON.stringify(status, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
