import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { allActivities } from '../../src/activities/index.js';
import { listJournals } from '../../src/effects/journal-list.js';
import { JournalStore } from '../../src/effects/journal.js';
import type { Kv } from '../../src/vitess/topology/kv.js';
import { queueFor } from '../../src/vitess/topology/lock-queue.js';
import { buildClients } from '../../src/worker.js';
import { FakeEtcd } from '../support/fakes/etcd.js';
import { passing } from '../support/fakes/intercept.js';
import { planned } from '../support/fakes/many-tables.js';
import { fakeConfig, fakeMount, sampleTables, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

/** A worker that runs a step of many migrations at the same moment, each of one table, into one keyspace. */
class Crowd {
  readonly world = new World();
  readonly calls: string[] = [];
  readonly tables;
  readonly clients;
  private readonly its;

  constructor(count: number) {
    this.tables = planned(count).filter((name) => !sampleTables.includes(name));
    for (const name of this.tables) this.world.fill(name, 1);
    const connectors = passing(this.world.connectors(), (what, effect) => {
      this.calls.push(what);
      return effect();
    });
    ({ clients: this.clients } = buildClients(fakeConfig, connectors));
    this.its = allActivities(this.clients);
  }

  async preflight(): Promise<number> {
    await this.clients.mounts.add('ext1', fakeMount);
    return this.all((table) =>
      this.its.preflight(refOf(table), input({ tables: [table], target: `commerce.${table}` })),
    );
  }

  create(): Promise<number> {
    return this.all((table) => this.its.create(refOf(table)));
  }

  cancel(): Promise<number> {
    return this.all((table) => this.its.cancel(refOf(table)));
  }

  /** How many calls the step makes for each migration. */
  private async all(step: (table: string) => Promise<unknown>): Promise<number> {
    const before = this.calls.length;
    const run = (table: string) =>
      new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() => step(table));
    await Promise.all(this.tables.map(run));
    return (this.calls.length - before) / this.tables.length;
  }
}

const refOf = (table: string) => ({ id: { keyspace: 'commerce', workflow: table }, runId: `run of ${table}` });

async function costs(count: number): Promise<Record<'preflight' | 'create' | 'cancel', number>> {
  const crowd = new Crowd(count);
  const [preflight, create] = [await crowd.preflight(), await crowd.create()];
  const [shard] = crowd.world.target.shardsOf('commerce');
  expect(shard?.tablet.vreplication.streams.map(({ workflow }) => workflow).sort()).toEqual(crowd.tables);
  return { preflight, create, cancel: await crowd.cancel() };
}

it('a step of many migrations at once costs each of them no more calls than of a few', async () => {
  const [few, many] = [await costs(10), await costs(80)];
  for (const step of ['preflight', 'create', 'cancel'] as const) expect(many[step]).toBeLessThan(few[step] * 1.1);
});

describe('the lock of a keyspace', () => {
  const dir = '/k';
  const etcd = new FakeEtcd();
  const kv = etcd.open('fake:2379', 'target');
  const other = etcd.open('fake:2379', 'target');
  const place = { cluster: 'target', keyspace: 'k' };
  const ours = (store: Kv = kv, timeoutMs = 5_000) => queueFor(store, dir, place).lock('ours', timeoutMs);

  it('goes to the steps of a process in the order in which they asked, one of which asks etcd', async () => {
    const order: number[] = [];
    let most = 0;
    await Promise.all(
      planned(30).map(async (_, n) => {
        const lease = await ours();
        most = Math.max(most, etcd.queue(dir).length);
        order.push(n);
        await lease.release();
      }),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(most).toBe(1);
    expect(etcd.queue(dir)).toEqual([]);
  });

  it('goes to another process that has asked before the next of ours', async () => {
    const order: string[] = [];
    const first = await ours();
    const waiting = [ours(other), ours(), ours()].map(async (lock, n) => {
      const lease = await lock;
      order.push(n === 0 ? 'another process' : 'ours');
      await lease.release();
    });
    await expect.poll(() => etcd.queue(dir).length).toBe(2);
    await first.release();
    await Promise.all(waiting);
    expect(order).toEqual(['another process', 'ours', 'ours']);
  });

  it('that another process has for too long is refused to all that wait for it', async () => {
    const theirs = await ours(other);
    const waiting = await Promise.allSettled([ours(kv, 50), ours(kv, 50), ours(kv, 50)]);
    for (const each of waiting)
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'LOCKED', place: { cluster: 'target' } } });
    await theirs.release();
    await (await ours()).release();
  });

  it('that a step of the same process has for too long is refused as well', async () => {
    const first = await ours(kv, 50);
    await expect(ours()).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining('ours') as string });
    await first.release();
    await (await ours()).release();
  });

  it('goes to the next one when the first could not ask for it', async () => {
    const broken = etcd.open('fake:2379', 'target');
    broken.lock = () => Promise.reject(new Error('etcd is away'));
    const [first, second] = await Promise.allSettled([ours(broken), ours(broken)]);
    expect([first, second]).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  });
});

it('journals that have not changed since are not read again', async () => {
  const crowd = new Crowd(5);
  await crowd.preflight();
  const list = async () => {
    const before = crowd.calls.length;
    const found = await listJournals(crowd.clients.target, 'commerce');
    const reads = crowd.calls.slice(before).filter((what) => what.includes(' get '));
    return { found: found.map(({ workflow, journal }) => `${workflow} ${journal.source}`), reads: reads.length };
  };
  const all = crowd.tables.map((table) => `${table} ext1.load`);
  await list();
  expect(await list()).toEqual({ found: all, reads: 0 });
  const [first = ''] = crowd.tables;
  const { id, runId } = refOf(first);
  const journals = new JournalStore(crowd.clients.target, id);
  await journals.update(runId, (journal) => (journal.source = 'ext2.load'));
  expect(await list()).toEqual({ found: [`${first} ext2.load`, ...all.slice(1)], reads: 1 });
  await journals.remove(runId);
  expect(await list()).toEqual({ found: all.slice(1), reads: 0 });
});
