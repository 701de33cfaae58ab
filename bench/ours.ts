import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { environment } from '../lab/describe.js';
import type { Lab } from '../lab/lab.js';

/** vtmigrate as a user runs it: the built worker in a process of its own, a workflow for each migration. */
export class Ours {
  private constructor(
    private readonly lab: Lab,
    private readonly worker: ChildProcess,
    private readonly client: Client,
    /** From the start of the process until it polls for work. */
    readonly startMs: number,
  ) {}

  static async start(lab: Lab): Promise<Ours> {
    const began = performance.now();
    const path = fileURLToPath(new URL('../dist/src/worker.js', import.meta.url));
    const worker = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, path], { env: { ...process.env, ...environment(lab) }, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      worker.once('exit', () => reject(new Error(`the worker did not start:\n${log}`)));
      worker.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('vtmigrate worker: ')) resolve();
      });
    });
    const startMs = performance.now() - began;
    const client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
    return new Ours(lab, worker, client, startMs);
  }

  /** Mount, Create, the copy, VDiff, Complete, and a query for each table. */
  async migrate(keyspace: string): Promise<void> {
    const { topoServer, topoRoot } = this.lab.source;
    const input = { source: 'ext1.load', target: `${keyspace}.bench`, all: true, complete: 'auto', mount: { topoType: 'etcd2', topoServer, topoRoot } };
    await this.client.workflow.execute('migrate', { taskQueue: 'vtmigrate', workflowId: input.target, args: [input] });
  }

  /** Resident memory of the worker, by the kernel. */
  residentMiB(): number {
    const status = readFileSync(`/proc/${this.worker.pid ?? 0}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    this.worker.kill('SIGKILL');
  }
}
