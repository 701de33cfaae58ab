import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { environment } from '../lab/describe.js';
import type { Lab } from '../lab/lab.js';
import { startWorker, type RunningWorker } from '../lab/worker.js';
import { emptyTarget } from './reset.js';

const cli = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const keyspaces = ['commerce', 'customer'] as const;
/** Milliseconds between two kills, at least and at most, and until what was killed is there again. */
const pause = [4_000, 20_000] as const;
const outage = 3_000;

const between = ([least, most]: readonly [number, number]) => least + Math.random() * (most - least);
const oneOf = <T>(all: readonly [T, ...T[]]): T => all[Math.floor(Math.random() * all.length)] ?? all[0];

/** What a process holds. */
interface Holding {
  residentMiB: number;
  sockets: number;
}

/**
 * Migrations one after the other for some minutes, each completed or cancelled at a random moment, while one of two
 * workers, and servers, are killed again and again. The other worker lives: its memory and its connections are what
 * is measured. After each migration Audit has to find nothing.
 */
export async function soak(lab: Lab, minutes: number): Promise<void> {
  const steady = await startWorker(environment(lab));
  const client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
  const ends = Date.now() + minutes * 60_000;
  const killing = new Killing(lab);
  const killed = killing.until(ends);
  const outcomes = new Map<string, number>();
  const holdings: Holding[] = [];
  for (let n = 0; Date.now() < ends; n++) {
    const keyspace = keyspaces[n % 2] ?? 'commerce';
    const outcome = await migrate(lab, client, `${keyspace}.soak_${n}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await expectNothingLeft(lab, keyspace);
    await retried(() => emptyTarget(lab, keyspace));
    holdings.push(holdingOf(steady));
    if (n % 10 === 9) console.log(`${n + 1} migrations: ${told(outcomes)}; ${toldHolding(holdings.slice(-10))}`);
  }
  await killed;
  const quarter = Math.max(1, Math.floor(holdings.length / 4));
  console.log(`\n${holdings.length} migrations in ${minutes} minutes: ${told(outcomes)}; ${killing.told()}`);
  console.log(`the worker that lived, in the first quarter: ${toldHolding(holdings.slice(0, quarter))}`);
  console.log(`the worker that lived, in the last quarter: ${toldHolding(holdings.slice(-quarter))}`);
  await client.connection.close();
  await steady.kill();
}

async function migrate(lab: Lab, client: Client, id: string): Promise<string> {
  const { topoServer, topoRoot } = lab.source;
  const mount = { topoType: 'etcd2', topoServer, topoRoot };
  const input = { source: 'ext1.load', target: id, all: true, mount, complete: 'auto' };
  const options = { taskQueue: 'vtmigrate', workflowId: id, args: [input] };
  const handle = await retried(() => client.workflow.start('migrate', options));
  const cancels = Math.random() < 0.4;
  if (cancels) setTimeout(() => void handle.signal('cancel').catch(() => undefined), between([500, 15_000]));
  try {
    return ((await handle.result()) as { outcome: string }).outcome;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
    console.log(`${id}: ${cause?.message ?? String(error)}`);
    return 'failed';
  }
}

/** Server by server may be away at the moment: then it is asked again. */
async function expectNothingLeft(lab: Lab, keyspace: string): Promise<void> {
  const env = { ...process.env, ...environment(lab) };
  const found = await retried(() =>
    Promise.resolve(execFileSync(process.execPath, [cli, 'Audit', keyspace], { env, encoding: 'utf8', stdio: 'pipe' })),
  );
  if (!found.includes('no residue')) throw new Error(`residue in ${keyspace}:\n${found}`);
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(2_000);
    }
  }
}

function holdingOf({ process: { pid = 0 } }: RunningWorker): Holding {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return [];
    }
  });
  return {
    residentMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024),
    sockets: open.filter((target) => target.startsWith('socket:')).length,
  };
}

function toldHolding(holdings: readonly Holding[]): string {
  const range = (values: number[]) => `${Math.min(...values)} to ${Math.max(...values)}`;
  return (
    `${range(holdings.map(({ residentMiB }) => residentMiB))} MiB resident, ` +
    `${range(holdings.map(({ sockets }) => sockets))} sockets`
  );
}

function told(outcomes: ReadonlyMap<string, number>): string {
  return [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

/** Kills by SIGKILL: the second worker, or a server, which is there again after some seconds. */
class Killing {
  private readonly counts = new Map<string, number>();

  constructor(private readonly lab: Lab) {}

  async until(ends: number): Promise<void> {
    let second = await startWorker(environment(this.lab));
    while (Date.now() + pause[1] < ends) {
      await sleep(between(pause));
      const what = oneOf(['worker', 'worker', 'vttablet', 'mysqld', 'etcd', 'vtgate', 'Temporal']);
      this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
      if (what === 'worker') {
        await second.kill();
        await sleep(outage);
        second = await startWorker(environment(this.lab));
      } else await this.killServer(what);
    }
    await second.kill();
  }

  told(): string {
    return `killed: ${[...this.counts].map(([what, count]) => `${count} times ${what}`).join(', ')}`;
  }

  private async killServer(what: string): Promise<void> {
    const { source, target, temporal } = this.lab;
    const cluster = Math.random() < 0.5 ? source : target;
    const tablet = cluster.tablets[Math.floor(Math.random() * cluster.tablets.length)];
    const server = {
      vttablet: tablet?.vttablet,
      mysqld: tablet?.mysql.server,
      etcd: cluster.etcd,
      vtgate: target.vtgateServer,
      Temporal: temporal.server,
    }[what];
    await server?.kill();
    await sleep(outage);
    await server?.start();
    // A tablet does not always outlive its MySQL.
    await tablet?.vttablet.start();
  }
}
