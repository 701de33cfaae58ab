import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { allActivities } from '../../src/activities/index.js';
import { JournalStore } from '../../src/effects/journal.js';
import { buildClients } from '../../src/worker.js';
import { passing, type Pass } from '../support/fakes/intercept.js';
import { fakeConfig, fakeMount, sampleTables, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };
const isBatch = (what: string) => what.includes('executeMultiFetchAsDba');

/** A worker on a world with many tables. `pass` stands between it and its calls, which are counted. */
class Bench {
  readonly world = new World();
  readonly target = this.world.mysqlOf(this.world.target, 'commerce', '0');
  readonly calls: string[] = [];
  readonly told: unknown[] = [];
  pass: Pass = (_what, effect) => effect();
  readonly journals;
  private readonly clients;

  constructor(tables: number) {
    for (const name of names(tables)) this.world.fill(name, 1);
    const connectors = passing(this.world.connectors(), (what, effect, failures) => {
      this.calls.push(what);
      return this.pass(what, effect, failures);
    });
    this.clients = buildClients(fakeConfig, connectors).clients;
    this.journals = new JournalStore(this.clients.target, ref.id);
  }

  async preflight(): Promise<number> {
    await this.clients.mounts.add('ext1', fakeMount);
    return this.counted((its) => its.preflight(ref, input()));
  }

  create(): Promise<number> {
    return this.counted((its) => its.create(ref));
  }

  /** How many calls a step makes. */
  private async counted(work: (its: ReturnType<typeof allActivities>) => Promise<unknown>): Promise<number> {
    const before = this.calls.length;
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    environment.on('heartbeat', (details: unknown) => this.told.push(details));
    await environment.run(() => work(allActivities(this.clients)));
    return this.calls.length - before;
  }
}

const names = (tables: number) => Array.from({ length: tables }, (_, n) => `t${String(n).padStart(4, '0')}`);
const planned = (tables: number) => [...sampleTables, ...names(tables)].sort();

async function costs(tables: number): Promise<{ preflight: number; create: number }> {
  const bench = new Bench(tables);
  return { preflight: await bench.preflight(), create: await bench.create() };
}

it('costs few calls, and not more for each table the more there are', async () => {
  const [some, many] = [await costs(97), await costs(997)];
  // For each hundred of tables: one creates them, two check the locks, one looks for rows. For a thousand, one more.
  expect(many.create - some.create).toBeLessThanOrEqual(9 * 4 + 1);
  // For each four hundred: five.
  expect(many.preflight - some.preflight).toBeLessThanOrEqual(3 * 5);
});

describe('250 tables', () => {
  const all = planned(247);
  let bench: Bench;
  beforeEach(async () => {
    bench = new Bench(247);
    await bench.preflight();
    bench.calls.length = 0;
  });
  const batches = () => bench.calls.filter(isBatch).length;
  const made = () => [...bench.target.tables.keys()].sort();
  const journalled = async () => (await bench.journals.read())?.createdTables['0'];

  it('are created in three calls, and one refresh', async () => {
    await bench.create();
    expect(batches()).toBe(3);
    expect(bench.calls.filter((what) => what.includes('refreshState'))).toHaveLength(1);
    expect(made()).toEqual(all);
    const [shard] = bench.world.target.shardsOf('commerce');
    expect(shard?.tablet.denied.toSorted()).toEqual(all);
  });

  it('are told of while it lasts', async () => {
    await bench.create();
    expect(bench.told).toEqual(expect.arrayContaining([0, 100, 200, 250].map((tables) => ({ tables, of: 250 }))));
  });

  it('of which MySQL refuses one, are left as they are, and that one is named', async () => {
    bench.target.refused.add('t0120');
    await expect(bench.create()).rejects.toMatchObject({
      type: 'DDL_REFUSED',
      message: expect.stringMatching(/^table t0120 cannot be created .*Invalid default value/) as string,
      details: [{ place: { shard: '0', table: 't0120' } }],
    });
    expect(await journalled()).toEqual(all);
    expect(made()).toEqual(all.slice(0, all.indexOf('t0120')));
  });

  it('of which one call makes some only, are all created', async () => {
    // As an earlier call may do that goes on at the server: the table is there before the call comes to it.
    let first = true;
    bench.pass = (what, effect) => {
      if (isBatch(what) && first) {
        bench.target.createTable('create table t0050 (`id` bigint primary key)');
        first = false;
      }
      return effect();
    };
    await bench.create();
    expect(made()).toEqual(all);
  });

  it('of which the answer is lost, are not created again', async () => {
    bench.pass = async (what, effect, failures) => {
      const result = await effect();
      if (isBatch(what)) throw failures.unanswered();
      return result;
    };
    await bench.create();
    expect(batches()).toBe(3);
    expect(made()).toEqual(all);
  });

  it('are created to the end by the next attempt where one ended between two calls', async () => {
    bench.pass = (what, effect, failures) =>
      isBatch(what) && batches() > 1 ? Promise.reject(failures.unanswered()) : effect();
    await expect(bench.create()).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE' });
    expect(made()).toHaveLength(100);
    bench.pass = (_what, effect) => effect();
    await bench.create();
    expect(batches()).toBe(4);
    expect(made()).toEqual(all);
    expect(await journalled()).toEqual(all);
  });
});
