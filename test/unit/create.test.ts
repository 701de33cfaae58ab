import { beforeEach, describe, expect, it } from 'vitest';
import { Bench, planned } from '../support/fakes/many-tables.js';

const isBatch = (what: string) => what.includes('executeMultiFetchAsDba');

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
