import { beforeEach, describe, expect, it } from 'vitest';
import { retiredName, sharesRetiredName } from '../../src/migration/proof/source-tables.js';
import { Bench, planned } from '../support/fakes/many-tables.js';

const isRename = (what: string) => what.endsWith('executeFetchAsDba rename');
const isDrop = (what: string) => what.endsWith('executeFetchAsDba drop');
const isReload = (what: string) => what.includes('reloadSchema');

it('two long names can have one retired name', () => {
  const [one, other] = ['a', 'b'].map((end) => `${'x'.repeat(60)}${end}`) as [string, string];
  expect(sharesRetiredName(['t', one, other, 'u'])).toBe(other);
  expect(sharesRetiredName(['t', one, 'u'])).toBeUndefined();
});

describe('250 tables of the source', () => {
  const all = planned(247);
  const retired = all.map(retiredName).sort();
  let bench: Bench;
  const count = (is: (what: string) => boolean) => bench.calls.filter(is).length;
  const there = () => [...bench.world.sourceMysql.tables.keys()].sort();
  beforeEach(async () => {
    bench = new Bench(247);
    await bench.preflight();
    await bench.create();
    await bench.journals.update('run', (journal) => {
      journal.positions = { '0': bench.world.sourceMysql.position() };
    });
    bench.calls.length = 0;
  });

  it('are renamed in three calls, each under locks that were asked for, and loaded once', async () => {
    expect((await bench.retire('rename')).kept).toBeNull();
    expect(there()).toEqual(retired);
    expect([count(isRename), count(isDrop), count(isReload)]).toEqual([3, 0, 1]);
    const renames = bench.calls.flatMap((what, n) => (isRename(what) ? n : []));
    for (const [i, n] of renames.entries())
      expect(bench.calls.slice((renames[i - 1] ?? 0) + 1, n)).toContainEqual(
        expect.stringMatching(/^etcd check .*keyspaces\/load$/),
      );
  });

  it('are dropped in three calls, and loaded once more', async () => {
    expect((await bench.retire('drop')).kept).toBeNull();
    expect(there()).toEqual([]);
    expect([count(isRename), count(isDrop), count(isReload)]).toEqual([3, 3, 2]);
  });

  it('get their names back when a row was written while they were renamed', async () => {
    bench.pass = (what, effect) => {
      if (isRename(what) && count(isRename) === 1) bench.world.sourceMysql.write('t0200', '9', 'late');
      return effect();
    };
    expect((await bench.retire('drop')).kept).toMatchObject({
      code: 'SOURCE_KEPT',
      message: expect.stringMatching(/rows were written .*: t0200$/) as string,
    });
    expect(there()).toEqual(all);
    expect([count(isRename), count(isDrop)]).toEqual([6, 0]);
  });

  it('are renamed to the end by the next attempt when an answer is lost', async () => {
    bench.pass = async (what, effect, failures) => {
      const result = await effect();
      if (isRename(what)) throw failures.unanswered();
      return result;
    };
    await expect(bench.retire('rename')).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE' });
    expect(there().filter((name) => retired.includes(name))).toHaveLength(100);
    bench.pass = (_what, effect) => effect();
    expect((await bench.retire('rename')).kept).toBeNull();
    expect(count(isRename)).toBe(3);
    expect(there()).toEqual(retired);
  });

  it('are kept when another program takes the name of one meanwhile', async () => {
    const taken = retiredName('t0150');
    bench.pass = (what, effect) => {
      if (isRename(what) && !bench.world.sourceMysql.tables.has(taken))
        bench.world.sourceMysql.createTable(`create table ${taken} (\`id\` bigint primary key)`);
      return effect();
    };
    await expect(bench.retire('drop')).rejects.toMatchObject({ type: 'TABLET_CALL_FAILED' });
    expect((await bench.retire('drop')).kept).toMatchObject({
      message: expect.stringContaining(`${taken} exists already`) as string,
    });
    expect(there()).toEqual([...all, taken].sort());
    expect(count(isDrop)).toBe(0);
  });
});
