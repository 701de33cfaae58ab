import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Cluster } from '../lab/cluster.js';
import type { Lab } from '../lab/lab.js';
import type { ProofReport } from '../src/migration/checksum/report.js';
import type { Cutover } from '../src/migration/proof/cutover.js';
import type { Status } from '../src/migration/lifecycle/status.js';
import type { Ours } from './ours.js';
import { emptyTarget } from './reset.js';

const keyspace = 'commerce';
const chunk = 100_000;
/** Clients that write side by side. */
const writerCount = 4;
const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** What the checksums cost beside VDiff, and how long a fence stands, for tables of some sizes. */
export async function measureProof(lab: Lab, ours: Ours, sizes: readonly number[], rates: readonly number[]) {
  for (const rows of sizes) {
    await fill(lab, rows);
    for (const rate of rates) {
      const handle = await ours.begin({ target: `${keyspace}.bench`, tables: ['proof'], fenceSource: true });
      await until(handle, ({ phase, proof }) => phase === 'replicating' && proof !== null && proof.oldest !== null);
      if (rate === rates[0]) await compare(lab, handle, rows);
      const before = await sum(lab.source, 'load');
      const writers = await Promise.all(
        Array.from({ length: writerCount }, () => Writer.start(lab, rows, rate / writerCount)),
      );
      await sleep(3_000);
      const { cutover: predicted, ...asked } = await ours.ask(`${keyspace}.bench`);
      console.log(JSON.stringify(predicted?.basis ?? asked));
      await handle.signal('complete', { fenceSource: true });
      const result = (await handle.result()) as { cutover: Cutover };
      const perSecond = (await Promise.all(writers.map((writer) => writer.stop()))).reduce(
        (all, each) => all + each,
        0,
      );
      const acknowledged = writers.reduce((all, writer) => all + writer.acknowledged, 0);
      const lost = before + acknowledged - (await sum(lab.target, keyspace));
      console.log(
        `${rows} rows, ${perSecond} writes a second: refused for ${result.cutover.refusedMs} ms, ` +
          `predicted ${predicted?.leastMs} to ${predicted?.mostMs} ms, ${Math.max(0, lost)} of ${acknowledged} lost`,
      );
      await unfence(lab);
      await emptyTarget(lab, keyspace);
    }
  }
}

/** VDiff and the checksums, each with the source left alone, and with one client that writes as fast as it can. */
async function compare(lab: Lab, handle: WorkflowHandle, rows: number): Promise<void> {
  const kinds: [string, () => Promise<unknown>][] = [
    ['VDiff', () => handle.executeUpdate('vdiff')],
    ['checksums', () => checksums(lab, handle, rows)],
  ];
  for (const [name, run] of kinds) {
    const before = await bytesSent(lab);
    const took = await timed(run);
    const bytes = (await bytesSent(lab)) - before;
    const perSecond = Math.round(rows / (took / 1000));
    console.log(`${rows} rows, ${name}: ${seconds(took)} s, ${perSecond} rows a second, ${bytes} bytes read`);
  }
  const alone = await Writer.start(lab, rows, Infinity);
  await sleep(5_000);
  console.log(`${rows} rows, a writer alone: ${await alone.stop()} writes a second`);
  for (const [name, run] of kinds) {
    const writer = await Writer.start(lab, rows, Infinity);
    await run();
    console.log(`${rows} rows, a writer beside ${name}: ${await writer.stop()} writes a second`);
  }
}

/** DDL makes the proof void, also where the definition is as before: everything is read once more. */
async function checksums(lab: Lab, handle: WorkflowHandle, rows: number): Promise<void> {
  const source = await lab.source.mysql('load', '0');
  await source.query("alter table proof comment = 'seen'");
  await source.query("alter table proof comment = ''");
  await source.end();
  let voided = false;
  for (;;) {
    const proof = await heartbeat(handle);
    voided ||= proof !== undefined && proof.voided.length > 0;
    // With a writer beside it, some row has always changed since.
    if (voided && (proof?.rows ?? 0) >= rows) return;
    await sleep(50);
  }
}

/** What the comparison under way says. */
async function heartbeat(handle: WorkflowHandle): Promise<ProofReport | undefined> {
  const { raw } = await handle.describe();
  const activity = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'checksum');
  const data = activity?.heartbeatDetails?.payloads?.[0]?.data;
  return data === undefined || data === null || data.length === 0
    ? undefined
    : (JSON.parse(Buffer.from(data).toString()) as ProofReport);
}

/** Each write adds one: what the target has more than before is how many it has. */
async function sum(cluster: Cluster, of: string): Promise<number> {
  const connection = await cluster.mysql(of, '0');
  const [rows] = await connection.query<RowDataPacket[]>('select sum(a) as a from proof');
  await connection.end();
  return Number(rows[0]?.['a']);
}

async function fill(lab: Lab, rows: number): Promise<void> {
  const source = await lab.source.mysql('load', '0');
  await source.query('drop table if exists proof');
  await source.query('create table proof (id bigint primary key, a int not null, b varchar(30))');
  await source.query(`set cte_max_recursion_depth = ${chunk}`);
  for (let from = 0; from < rows; from += chunk)
    await source.query(
      `insert into proof with recursive n as (select 1 as i union all select i + 1 from n where i < ${chunk}) ` +
        `select ${from} + i, i * 7, concat('row ', ${from} + i) from n`,
    );
  await source.end();
  await lab.source.vtctldclient('ReloadSchemaShard', '--include-primary', 'load/0');
}

async function bytesSent(lab: Lab): Promise<number> {
  let sum = 0;
  for (const [cluster, name] of [[lab.source, 'load'] as const, [lab.target, keyspace] as const]) {
    const connection = await cluster.mysql(name, '0');
    const [rows] = await connection.query<RowDataPacket[]>("show global status like 'Bytes_sent'");
    sum += Number(rows[0]?.['Value']);
    await connection.end();
  }
  return sum;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function until(handle: WorkflowHandle, wanted: (status: Status) => boolean): Promise<void> {
  while (!wanted(await handle.query<Status>('status'))) await sleep(100);
}

async function unfence(lab: Lab): Promise<void> {
  await lab.source.vtctldclient('SetShardTabletControl', '--denied-tables', 'proof', '--remove', 'load/0', 'primary');
  await lab.source.vtctldclient('RefreshStateByShard', 'load/0');
}

/** One client of the source's vtgate that changes rows until it is stopped, or refused. */
class Writer {
  private count = 0;
  get acknowledged(): number {
    return this.count;
  }

  private going = true;
  private readonly began = performance.now();
  private done: Promise<void> = Promise.resolve();
  /** When the last write was acknowledged: vtgate lets one wait that meets the fence. */
  private lastAt = this.began;

  static async start(lab: Lab, rows: number, perSecond: number): Promise<Writer> {
    const writer = new Writer();
    const { vtgate } = lab.source;
    if (vtgate === undefined) throw new Error('the source has no vtgate');
    const connection = await createConnection({ ...vtgate, database: 'load' });
    writer.going = perSecond > 0;
    writer.done = (async () => {
      while (writer.going) {
        const id = 1 + Math.floor(Math.random() * rows);
        try {
          await connection.query(`update proof set a = a + 1 where id = ${id}`);
        } catch {
          break;
        }
        writer.count++;
        writer.lastAt = performance.now();
        const ahead = (writer.count / perSecond) * 1000 - (performance.now() - writer.began);
        if (ahead > 1) await sleep(ahead);
      }
      await connection.end();
    })();
    return writer;
  }

  /** @returns writes a second, until it was stopped or refused */
  async stop(): Promise<number> {
    this.going = false;
    await this.done;
    return this.count === 0 ? 0 : Math.round(this.count / ((this.lastAt - this.began) / 1000));
  }
}
