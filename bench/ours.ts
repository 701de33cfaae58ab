import { readFileSync } from 'node:fs';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { environment } from '../lab/describe.js';
import type { CompleteAnswer } from '../src/migration/lifecycle/messages.js';
import type { Lab } from '../lab/lab.js';
import { startWorker, type RunningWorker } from '../lab/worker.js';

/** vtmigrate as a user runs it: the built worker in a process of its own, a workflow for each migration. */
export class Ours {
  private constructor(
    private readonly lab: Lab,
    private readonly worker: RunningWorker,
    private readonly client: Client,
    /** From the start of the process until it polls for work. */
    readonly startMs: number,
  ) {}

  static async start(lab: Lab): Promise<Ours> {
    const began = performance.now();
    const worker = await startWorker(environment(lab));
    const startMs = performance.now() - began;
    const client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
    return new Ours(lab, worker, client, startMs);
  }

  /** Mount, Create, the copy, VDiff, Complete, and a query for each table. */
  async migrate(keyspace: string, options: Record<string, unknown> = {}): Promise<void> {
    await (await this.begin({ target: `${keyspace}.bench`, all: true, complete: 'auto', ...options })).result();
  }

  /** A migration from the lab's source. */
  begin(options: { target: string } & Record<string, unknown>): Promise<WorkflowHandle> {
    const { topoServer, topoRoot } = this.lab.source;
    const input = { source: 'ext1.load', mount: { topoType: 'etcd2', topoServer, topoRoot }, ...options };
    return this.client.workflow.start('migrate', {
      taskQueue: 'vtmigrate',
      workflowId: options.target,
      args: [input],
    });
  }

  /** What a dry run of Complete says. */
  ask(target: string): Promise<CompleteAnswer> {
    return this.client.workflow.execute('readiness', {
      taskQueue: 'vtmigrate',
      workflowId: `readiness-${target}-${Date.now()}`,
      args: [{ target }],
    }) as Promise<CompleteAnswer>;
  }

  /** When each step of the last migration into a keyspace was asked for and ended, by the workflow's history. */
  async steps(keyspace: string): Promise<string> {
    const { events } = await this.client.workflow.getHandle(`${keyspace}.bench`).fetchHistory();
    const at = (event: { eventTime?: unknown }) => {
      const { seconds, nanos } = event.eventTime as { seconds: unknown; nanos: number };
      return Number(seconds) * 1000 + nanos / 1e6;
    };
    const began = at(events?.[0] ?? {});
    const scheduled = new Map<string, { name: string; from: number }>();
    const steps: string[] = [];
    for (const event of events ?? []) {
      const after = at(event) - began;
      const { activityTaskScheduledEventAttributes: asked } = event;
      const ended =
        event.activityTaskCompletedEventAttributes ??
        event.activityTaskCanceledEventAttributes ??
        event.activityTaskFailedEventAttributes;
      if (asked) scheduled.set(String(event.eventId), { name: asked.activityType?.name ?? '', from: after });
      const step = ended && scheduled.get(String(ended.scheduledEventId));
      if (step)
        steps.push(`${step.name.padEnd(14)} ${step.from.toFixed(0).padStart(7)} to ${after.toFixed(0).padStart(7)} ms`);
    }
    steps.push(`${'the end'.padEnd(14)} ${(at(events?.at(-1) ?? {}) - began).toFixed(0).padStart(21)} ms`);
    return steps.join('\n');
  }

  /** Resident memory of the worker, by the kernel. */
  residentMiB(): number {
    const status = readFileSync(`/proc/${this.worker.process.pid ?? 0}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  /** Milliseconds of processor time that the worker has had, by the kernel, which counts in ticks of 10 ms. */
  processorMs(): number {
    const stat = readFileSync(`/proc/${this.worker.process.pid ?? 0}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    await this.worker.kill();
  }
}
