import { describe, expect, it } from 'vitest';
import { migrateInputSchema } from '../../src/migration/input/input.js';
import { completedState, initialState } from '../../src/migration/lifecycle/state.js';
import {
  inputWithout,
  namesAmong,
  namesWithout,
  planWithout,
  refuseReferenced,
  refuseUnknown,
} from '../../src/migration/plan/leaving.js';
import { expectedStreams, tableNames } from '../../src/migration/plan/plan.js';
import { isClean, reportWithout } from '../../src/migration/proof/vdiff.js';
import { hasKeys } from '../../src/migration/sql/keys.js';
import { withoutRules } from '../../src/vitess/tablet/source-text.js';
import { cleanVDiff, dirtyVDiff, failedVDiff, sampleAdoption, samplePlan } from '../support/workflow/samples.js';

const place = { cluster: 'target', keyspace: 'commerce' };

describe('tables that may leave', () => {
  it('are some of the plan', () => {
    expect(() => refuseUnknown(samplePlan(), ['corder'], place)).not.toThrow();
    expect(() => refuseUnknown(samplePlan(), ['corder', 'nope'], place)).toThrow(
      /nope is not in the migration .*table nope/,
    );
    expect(() => refuseUnknown(samplePlan(), ['customer', 'corder'], place)).toThrow(
      /all of its tables.*Migrate Cancel/,
    );
  });

  it('are not referenced by one that stays', () => {
    const keys = [{ name: 'fk', child: 'corder', parent: 'customer' }];
    expect(() => refuseReferenced(keys, ['customer'], place)).toThrow(/fk of table corder references customer/);
    expect(() => refuseReferenced(keys, ['customer', 'corder'], place)).not.toThrow();
    expect(() => refuseReferenced(keys, ['corder'], place)).not.toThrow();
  });
});

describe('without some tables', () => {
  it('a plan keeps its streams', () => {
    const plan = planWithout(samplePlan(), ['corder']);
    expect(tableNames(plan)).toEqual(['customer']);
    expect(plan).toMatchObject({ missingTables: { '0': ['customer'] }, missingInVSchema: ['customer'] });
    expect(expectedStreams(plan)).toBe(expectedStreams(samplePlan()));
  });

  it('an input asks for the others', () => {
    const input = (tables: object) =>
      migrateInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', ...tables });
    expect(inputWithout(input({ tables: ['a', 'b'] }), ['a'])).toEqual(input({ tables: ['b'] }));
    expect(inputWithout(input({ all: true, exclude: ['c'] }), ['a'])).toEqual(
      input({ all: true, exclude: ['c', 'a'] }),
    );
  });

  it('lists by shard', () => {
    expect(namesWithout({ '-80': ['a', 'b'], '80-': ['a'] }, ['a'])).toEqual({ '-80': ['b'], '80-': [] });
    expect(namesAmong({ '-80': ['a', 'b'], '80-': ['b'] }, ['a'])).toEqual({ '-80': ['a'] });
  });
});

describe('the report of a VDiff without a table', () => {
  it('no longer counts it', () => {
    const report = cleanVDiff();
    const [first] = report.tables;
    const without = reportWithout(report, [first?.name ?? '']);
    expect(without?.tables).toEqual(report.tables.slice(1));
    expect(without?.totals.tables).toBe(report.totals.tables - 1);
    expect(BigInt(without?.rowsCompared ?? 0)).toBe(BigInt(report.rowsCompared) - BigInt(first?.rowsCompared ?? 0));
  });

  it('is clean when only that one differed', () => {
    const report = dirtyVDiff();
    const differing = report.tables.filter(({ mismatched }) => mismatched !== '0').map(({ name }) => name);
    const without = reportWithout(report, differing);
    expect(without !== undefined && isClean(without)).toBe(true);
    expect(without?.totals).toMatchObject({ differing: 0, mismatched: '0' });
  });

  it('says nothing of the others when it has not ended, or does not say which of them differ', () => {
    expect(reportWithout(failedVDiff(), ['corder'])).toBeUndefined();
    const cut = { ...dirtyVDiff(), tables: [] };
    expect(reportWithout(cut, ['corder'])).toBeUndefined();
  });
});

describe('the source of a stream', () => {
  const rule = (match: string, filter: string) => `rules:{match:"${match}" filter:"${filter}"}`;
  const source = (...rules: string[]) =>
    `keyspace:"load"  shard:"0"  filter:{${rules.join('  ')}} external_cluster:"ext1"`;
  const a = rule('a', "select * from a where in_keyrange(id, 'xxhash', '-80')");
  const odd = rule('rules:{match:\\"a\\"}', 'select * from `}`');
  const b = 'rules:{match:"b" filter:"select * from b" convert_enum_to_text:{key:"c" value:"x"}}';

  it('loses the rules of the tables that leave, and nothing else', () => {
    expect(withoutRules(source(a, odd, b), ['a', 'rules:{match:"a"}', 'b'], ['a'])).toBe(source(odd, b));
    expect(withoutRules(source(a, odd, b), ['a', 'rules:{match:"a"}', 'b'], ['a', 'rules:{match:"a"}'])).toBe(
      source(b),
    );
    expect(withoutRules(source(a, b), ['a', 'b'], ['nope'])).toBe(source(a, b));
    expect(withoutRules(source(a, b), ['a', 'b'], ['b'])?.replaceAll(/ +/g, ' ')).toBe(
      source(`${a} `).replaceAll(/ +/g, ' '),
    );
  });

  it('is not changed when its rules cannot be told apart', () => {
    expect(withoutRules(source(a, b), ['a'], ['a'])).toBeUndefined();
    expect(withoutRules('', ['a'], ['a'])).toBeUndefined();
  });
});

it('keys that were deferred are known by their names', () => {
  const statement = 'alter table vt_commerce.t add key ref (ref), add unique key `a``b` (x, y)';
  const made = 'CREATE TABLE `t` (\n  KEY `ref` (`ref`),\n  UNIQUE KEY `a``b` (`x`,`y`)\n)';
  expect(hasKeys(made, statement)).toBe(true);
  expect(hasKeys(made.replace('KEY `ref`', 'KEY `other`'), statement)).toBe(false);
  expect(hasKeys(made, 'optimize table t')).toBe(false);
});

it('a state of an earlier version gains what has been added', () => {
  const { intents, facts, progress } = initialState({ workflow: 'a.b', source: 'c.d' }, sampleAdoption().settings, '');
  const { leave, ...before } = intents;
  const { left, drifted, ...known } = facts;
  expect(completedState({ intents: before, facts: known, progress } as never)).toEqual({ intents, facts, progress });
  expect([leave, left.count, drifted]).toEqual([[], 0, []]);
});
