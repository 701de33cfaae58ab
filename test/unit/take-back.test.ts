import { beforeEach, describe, expect, it } from 'vitest';
import { Bench, planned } from '../support/fakes/many-tables.js';

const isDrop = (what: string) => what.endsWith('executeFetchAsDba drop');
const isReload = (what: string) => what.includes('reloadSchema');

async function costs(tables: number): Promise<number> {
  const bench = new Bench(tables);
  await bench.preflight();
  await bench.create();
  return bench.cancel();
}

it('costs few calls, and not more for each table the more there are', async () => {
  const [some, many] = [await costs(97), await costs(1_197)];
  // For each hundred of tables: one drops them, nine check the locks of eight lanes and the keyspace. For a thousand, one more.
  expect(many - some).toBeLessThanOrEqual(11 * 10 + 1);
});

describe('250 tables', () => {
  const all = planned(247);
  let bench: Bench;
  const drops = () => bench.calls.filter(isDrop).length;
  const there = () => [...bench.target.tables.keys()].sort();
  const begin = async () => {
    await bench.preflight();
    await bench.create();
    bench.calls.length = 0;
  };
  beforeEach(() => {
    bench = new Bench(247);
  });

  it('are dropped in three calls, and the tablet loads its schema once', async () => {
    await begin();
    await bench.cancel();
    expect(drops()).toBe(3);
    expect(bench.calls.filter(isReload)).toHaveLength(1);
    expect(there()).toEqual([]);
    expect(await bench.journals.read()).toBeUndefined();
  });

  it('are dropped under locks that are asked for before each call', async () => {
    await begin();
    await bench.cancel();
    for (const [n, what] of bench.calls.entries()) if (isDrop(what)) expect(bench.calls[n - 1]).toMatch(/^etcd check /);
  });

  it('of which some were there before, lose those that were created only', async () => {
    const older = ['t0003', 't0200'];
    for (const name of older) bench.target.createTable(`create table ${name} (\`id\` bigint primary key)`);
    await begin();
    bench.target.write('t0003', '1', 'copied');
    await bench.cancel();
    expect(there()).toEqual(older);
    expect(bench.target.table('t0003').rows.size).toBe(0);
    expect(bench.calls.filter((what) => what.endsWith('executeFetchAsDba truncate'))).toHaveLength(1);
    expect(bench.calls.filter(isReload)).toHaveLength(1);
  });

  it('of which some leave, keep the others', async () => {
    await begin();
    const leaving = all.slice(40, 190);
    await bench.leave(leaving);
    expect(drops()).toBe(2);
    expect(there()).toEqual(all.filter((name) => !leaving.includes(name)));
  });

  it('are dropped by the next attempt when the answer is lost', async () => {
    await begin();
    bench.pass = async (what, effect, failures) => {
      const result = await effect();
      if (isDrop(what)) throw failures.unanswered();
      return result;
    };
    for (const left of [150, 50]) {
      await expect(bench.cancel()).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE' });
      expect(there()).toHaveLength(left);
    }
    bench.pass = (_what, effect) => effect();
    await bench.cancel();
    expect(drops()).toBe(3);
    expect(bench.calls.filter(isReload)).toHaveLength(1);
    expect(there()).toEqual([]);
  });

  it('are loaded by the next attempt when one ended after the last was dropped', async () => {
    await begin();
    bench.pass = (what, effect, failures) => (isReload(what) ? Promise.reject(failures.unanswered()) : effect());
    await expect(bench.cancel()).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE' });
    expect(there()).toEqual([]);
    bench.pass = (_what, effect) => effect();
    await bench.cancel();
    expect(drops()).toBe(3);
    expect(bench.calls.filter(isReload)).toHaveLength(2);
    expect(await bench.journals.read()).toBeUndefined();
  });
});
