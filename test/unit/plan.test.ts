import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/migration/problem/errors.js';
import type { PlanFacts, VSchemaFacts } from '../../src/migration/plan/facts.js';
import { rangesEqual, rangesMeet } from '../../src/migration/plan/key-range.js';
import { expectedStreams, streamsOf } from '../../src/migration/plan/plan.js';
import type { CheckName } from '../../src/migration/preflight/checks/index.js';
import type { Facts } from '../../src/migration/preflight/facts.js';
import {
  ask,
  halves,
  hashed,
  journal,
  planned,
  source,
  sourcePlace,
  target,
  targetPlace,
  unsharded,
  whole,
} from './preflight/facts.js';

/** The checks of what a plan needs. */
const ofPlan: CheckName[] = [
  'cell-exists',
  'source-tablet',
  'table-exists',
  'no-tables',
  'vschema-entry',
  'vindex-usable',
  'workflow-name',
  'target-table-empty',
  'table-denied',
];

/** The plan, and what is in its way; every tablet is healthy. */
function plan(
  from: Partial<PlanFacts>,
  to: Partial<PlanFacts> & Partial<Facts>,
  changes: Record<string, unknown> = {},
) {
  const facts = planned({ ...from, ...to }, changes);
  const candidates = facts.sourceTablets.map(({ shard, alias, hostname, type }) => ({
    place: { ...sourcePlace, shard, tablet: alias },
    hostname,
    type,
    unhealthy: '',
    streamError: '',
  }));
  const found = { journals: [], targetStreams: [], filledTables: [], candidates, ...facts, ...to };
  return { plan: facts.plan, problems: ask(ofPlan, found) };
}

/** What the streams of each target shard select from a table. */
function filters(from: Partial<PlanFacts>, to: Partial<PlanFacts>, table = 'corder'): (string | undefined)[] {
  const made = plan(from, to);
  expect(made.problems).toEqual([]);
  return made.plan.target.shards.map(
    (shard) => streamsOf(made.plan, shard)[0]?.rules.find((rule) => rule.match === table)?.filter,
  );
}

describe('a plan', () => {
  it('of everything, into an unsharded keyspace', () => {
    const { plan: made, problems } = plan(
      source(),
      target({ ...unsharded, tables: { product: { type: '', columnVindexes: [] } } }, whole, {
        tables: ['corder', 'else'],
      }),
    );
    expect(problems).toEqual([]);
    expect(made).toEqual({
      target: { keyspace: 'commerce', workflow: 'wf', sharded: false, cells: ['zone1'], shards: whole },
      source: { mount: 'ext1', keyspace: 'load', cells: ['ext', 'ext2'], shards: whole },
      tables: [
        { name: 'customer', rows: 0, bytes: 0 },
        { name: 'corder', rows: 10, bytes: 100 },
        { name: 'product', rows: 20, bytes: 200 },
      ],
      missingTables: { '0': ['customer', 'product'] },
      missingInVSchema: ['customer', 'corder'],
      sameVindexes: false,
      stream: {
        tabletTypes: ['REPLICA', 'PRIMARY'],
        tabletTypesInPreferenceOrder: true,
        autoStart: true,
        stopAfterCopy: false,
        deferSecondaryKeys: true,
        onDdl: 'IGNORE',
        configOverrides: {},
      },
    });
    expect(streamsOf(made, { name: '0', keyRange: '' })).toEqual([
      {
        workflow: 'wf',
        sourceShard: '0',
        filtered: false,
        rules: ['customer', 'corder', 'product'].map((name) => ({ match: name, filter: `select * from ${name}` })),
      },
    ]);
  });

  it('gives a sequence and a reference table of the source their type in an unsharded target', () => {
    const typed = (type: string) => ({ type, columnVindexes: [] });
    const tables = { customer: typed('sequence'), corder: typed('reference'), product: typed('') };
    const from = source({ vschema: { ...unsharded, tables } });
    expect(plan(from, target()).plan.tables.map(({ type }) => type)).toEqual(['sequence', 'reference', undefined]);
    const sharded = plan(from, target(hashed('customer', 'corder', 'product'), halves));
    expect(sharded.plan.tables.map(({ type }) => type)).toEqual([undefined, undefined, undefined]);
  });

  it('carries the options over', () => {
    const options = {
      tabletTypes: ['PRIMARY'],
      autoStart: false,
      stopAfterCopy: true,
      deferSecondaryKeys: false,
      onDdl: 'EXEC',
      configOverrides: { 'vreplication-parallel-insert-workers': '4' },
    };
    const given = { ...options, tabletTypesInPreferenceOrder: false };
    expect(plan(source(), target(), given).plan.stream).toEqual(given);
  });

  it.each([
    { changes: { tables: ['product', 'corder'] }, names: ['product', 'corder'] },
    { changes: { tables: ['corder', 'corder'] }, names: ['corder'] },
    { changes: { exclude: ['corder'] }, names: ['customer', 'product'] },
  ])('of the tables of $changes', ({ changes, names }) => {
    const { plan: made, problems } = plan(source(), target(), changes);
    expect(problems).toEqual([]);
    expect(made.tables.map((table) => table.name)).toEqual(names);
  });

  it.each([
    { changes: {}, cells: ['ext', 'ext2'] },
    { changes: { tabletTypes: ['PRIMARY'] }, cells: ['ext'] },
    { changes: { cells: ['ext2'] }, cells: ['ext2'] },
    { changes: { cells: ['ext2', 'ext'] }, cells: ['ext2', 'ext'] },
  ])('reads in the cells of the source that have a fitting tablet: $changes', ({ changes, cells }) => {
    expect(plan(source(), target(), changes)).toMatchObject({ problems: [], plan: { source: { cells } } });
  });
});

describe('filters', () => {
  const all = hashed('customer', 'corder', 'product');

  it('name the vindex type where the source knows no vindex', () => {
    expect(filters(source(), target(all, halves))).toEqual([
      "select * from corder where in_keyrange(id, 'xxhash', '-80')",
      "select * from corder where in_keyrange(id, 'xxhash', '80-')",
    ]);
  });

  it('name the vindex of the source where it has the same', () => {
    expect(filters(source({ vschema: { ...all, tables: {} } }), target(all, halves))[0]).toBe(
      "select * from corder where in_keyrange(id, 'load.xxhash', '-80')",
    );
  });

  it('take a vindex with parameters only when the source has the very same', () => {
    const region = (params: Record<string, string>): VSchemaFacts => ({
      ...all,
      vindexes: { xxhash: { type: 'region_json', params } },
    });
    expect(filters(source({ vschema: region({ a: '1' }) }), target(region({ a: '1' }), halves))[0]).toContain(
      "'load.xxhash'",
    );
    for (const params of [{}, { a: '2' }, { a: '1', b: '2' }]) {
      const { problems } = plan(source({ vschema: region(params) }), target(region({ a: '1' }), halves), {
        tables: ['corder'],
      });
      expect(problems).toMatchObject([
        {
          code: 'VINDEX_UNUSABLE',
          message: expect.stringContaining('has parameters') as string,
          place: { table: 'corder' },
          remedy: expect.stringContaining('to the VSchema of load') as string,
        },
      ]);
    }
  });

  it('list every column, quoted, and the table', () => {
    const multi: VSchemaFacts = {
      sharded: true,
      vindexes: { multi: { type: 'multicol', params: {} } },
      tables: {
        'my order': {
          type: '',
          columnVindexes: [
            { name: 'multi', columns: ['key', 'id'] },
            { name: 'other', columns: ['x'] },
          ],
        },
      },
    };
    const from = source({ tables: ['my order'] });
    expect(filters(from, target(multi, halves), 'my order')[1]).toBe(
      "select * from `my order` where in_keyrange(`key`, id, 'multicol', '80-')",
    );
  });

  it('are not there for reference tables', () => {
    const vschema = { ...all, tables: { ...all.tables, product: { type: 'reference', columnVindexes: [] } } };
    expect(filters(source(), target(vschema, halves), 'product')).toEqual([
      'select * from product',
      'select * from product',
    ]);
  });

  it.each([{ shards: [{ name: '0', keyRange: '' }] }, { shards: [{ name: '-', keyRange: '-' }] }])(
    'are not there between two whole ranges: $shards',
    ({ shards }) => {
      expect(filters(source({ shards }), target(all, shards))).toEqual(['select * from corder']);
    },
  );

  it('are there where several shards become one of a sharded keyspace', () => {
    expect(filters(source({ vschema: all, shards: halves }), target(all, [{ name: '-', keyRange: '-' }]))).toEqual([
      "select * from corder where in_keyrange(id, 'load.xxhash', '-')",
    ]);
  });

  const thirds = [...halves, { name: 'x', keyRange: '40-80' }];
  const sources = (vschema: VSchemaFacts) => {
    const { plan: made } = plan(source({ vschema, shards: halves }), target(all, thirds));
    return { made, streams: thirds.map((shard) => streamsOf(made, shard).map(({ sourceShard }) => sourceShard)) };
  };

  it('go to every source shard, on every target shard', () => {
    const byAnother = Object.fromEntries(
      Object.keys(all.tables).map((name) => [
        name,
        { type: '', columnVindexes: [{ name: 'xxhash', columns: ['customer_id'] }] },
      ]),
    );
    const { made, streams } = sources({ ...all, tables: byAnother });
    expect(streams).toEqual([
      ['-80', '80-'],
      ['-80', '80-'],
      ['-80', '80-'],
    ]);
    expect(expectedStreams(made)).toBe(6);
    expect(made.missingTables).toEqual({
      '-80': ['customer', 'corder', 'product'],
      '80-': ['customer', 'corder', 'product'],
      x: ['customer', 'corder', 'product'],
    });
    expect(made.missingInVSchema).toEqual([]);
  });

  it('leave out source shards that do not meet the target shard when the primary vindexes are the same', () => {
    const { made, streams } = sources(all);
    expect(streams).toEqual([['-80'], ['80-'], ['-80']]);
    expect(expectedStreams(made)).toBe(3);
    expect(expectedStreams(made, 'x')).toBe(1);
    const filtersOf = (shard: (typeof thirds)[number]) => streamsOf(made, shard)[0]?.rules[0]?.filter;
    expect(thirds.map(filtersOf)).toEqual([
      'select * from customer',
      'select * from customer',
      "select * from customer where in_keyrange(id, 'load.xxhash', '40-80')",
    ]);
  });

  it.each([
    { what: 'a table that the source does not know', tables: { customer: all.tables['customer'] } },
    { what: 'a table of which the source has a copy on each shard', type: 'reference' },
    { what: 'a vindex of another type', vindexes: { xxhash: { type: 'hash', params: {} } } },
    { what: 'a vindex with other parameters', vindexes: { xxhash: { type: 'xxhash', params: { a: '1' } } } },
    { what: 'a source that is not sharded', sharded: false },
  ])('go to every source shard for $what', ({ type, tables, ...changes }) => {
    const corder = { type: type ?? '', columnVindexes: all.tables['corder']?.columnVindexes ?? [] };
    const vschema = { ...all, ...changes, tables: tables ?? { ...all.tables, corder } } as VSchemaFacts;
    expect(sources(vschema).made.sameVindexes).toBe(false);
    expect(sources(vschema).streams[0]).toEqual(['-80', '80-']);
  });

  it('leave source shards out where both sides have the same reference tables', () => {
    const vschema = { ...all, tables: { ...all.tables, product: { type: 'reference', columnVindexes: [] } } };
    const { plan: made } = plan(source({ vschema, shards: halves }), target(vschema, halves));
    expect(made.sameVindexes).toBe(true);
  });
});

describe('key ranges', () => {
  it.each([
    { a: '', b: '-80', meet: true, equal: false },
    { a: '', b: '-', meet: true, equal: true },
    { a: '-80', b: '80-', meet: false, equal: false },
    { a: '-80', b: '40-c0', meet: true, equal: false },
    { a: '80-', b: '40-80', meet: false, equal: false },
    { a: '80-', b: '8000-', meet: true, equal: true },
    { a: '-8000', b: '80-', meet: false, equal: false },
    { a: '-80', b: '7fff-80', meet: true, equal: false },
    { a: '-80', b: '80c0-', meet: false, equal: false },
    { a: '40-80', b: '40-8000', meet: true, equal: true },
  ])('$a and $b', ({ a, b, meet, equal }) => {
    expect([rangesMeet(a, b), rangesMeet(b, a)]).toEqual([meet, meet]);
    expect([rangesEqual(a, b), rangesEqual(b, a)]).toEqual([equal, equal]);
  });
});

describe('what is in the way', () => {
  const streams = (workflow: string, ...rules: string[]) => ({
    targetStreams: [{ place: targetPlace, shard: '0', workflows: [{ workflow, rules }] }],
  });
  const lookup: VSchemaFacts = {
    ...hashed('corder'),
    vindexes: { xxhash: { type: 'consistent_lookup_unique', params: {} } },
  };
  const withEntry = (entry: VSchemaFacts['tables'][string], vindexes: VSchemaFacts['vindexes'] = {}): VSchemaFacts => ({
    sharded: true,
    vindexes,
    tables: { corder: entry },
  });
  const cases: {
    what: string;
    to?: Partial<PlanFacts> & Partial<Facts>;
    from?: Partial<PlanFacts>;
    changes?: Record<string, unknown>;
    code: ErrorCode;
    message: string;
    place: object;
    remedy: string;
  }[] = [
    {
      what: 'an unknown table',
      changes: { tables: ['orders'] },
      code: 'TABLE_NOT_FOUND',
      message: 'table orders does not exist',
      place: { cluster: 'ext1', keyspace: 'load', table: 'orders' },
      remedy: 'the keyspace has customer, corder, product',
    },
    {
      what: 'a table in other case',
      changes: { tables: ['COrder'] },
      code: 'TABLE_NOT_FOUND',
      message: 'table COrder does not exist',
      place: { table: 'COrder' },
      remedy: 'did you mean corder? Table names are case sensitive',
    },
    {
      what: 'an unknown excluded table',
      changes: { exclude: ['a b'] },
      code: 'TABLE_NOT_FOUND',
      message: 'table `a b` does not exist',
      place: { table: 'a b' },
      remedy: 'the keyspace has',
    },
    {
      what: 'an empty keyspace',
      from: source({ tables: [] }),
      changes: { tables: ['x'] },
      code: 'TABLE_NOT_FOUND',
      message: 'table x does not exist',
      place: { table: 'x' },
      remedy: 'the keyspace has no tables',
    },
    {
      what: 'no table at all',
      from: source({ tables: [] }),
      code: 'NO_TABLES',
      message: 'there is no table to move',
      place: { cluster: 'ext1', keyspace: 'load' },
      remedy: '-exclude',
    },
    {
      what: 'all tables excluded',
      changes: { exclude: ['customer', 'corder', 'product'] },
      code: 'NO_TABLES',
      message: 'there is no table to move',
      place: {},
      remedy: '-exclude',
    },
    {
      what: 'a cell of the target',
      changes: { cells: ['zone1', 'ext'] },
      code: 'CELL_NOT_FOUND',
      message: 'the source has no cell zone1',
      place: { cluster: 'ext1', cell: 'zone1' },
      remedy: 'its cells are ext, ext2',
    },
    {
      what: 'no tablet of the types',
      changes: { tabletTypes: ['RDONLY'] },
      code: 'NO_SOURCE_TABLET',
      message: 'no tablet of type RDONLY',
      place: { shard: '0' },
      remedy: 'the shard has PRIMARY in ext, REPLICA in ext2',
    },
    {
      what: 'no tablet in the cells',
      changes: { tabletTypes: ['REPLICA'], cells: ['ext'] },
      code: 'NO_SOURCE_TABLET',
      message: 'no tablet of type REPLICA in cell ext',
      place: { shard: '0' },
      remedy: 'choose -tablet_types and -cells that fit',
    },
    {
      what: 'a workflow of that name',
      to: { ...target(), ...streams('wf') },
      code: 'WORKFLOW_EXISTS',
      message: 'a workflow named wf already exists',
      place: { cluster: 'target', keyspace: 'commerce', shard: '0' },
      remedy: 'choose another name',
    },
    {
      what: 'a table with rows',
      to: { ...target(), filledTables: [{ shard: '0', tables: ['corder'] }] },
      code: 'TARGET_TABLE_NOT_EMPTY',
      message: 'table corder has rows',
      place: { shard: '0', table: 'corder' },
      remedy: 'empty or drop it',
    },
    {
      what: 'a table that is denied',
      to: target(unsharded, whole, { deniedTables: ['corder', 'else'] }),
      code: 'TABLE_DENIED',
      message: 'table corder is in the denied tables already, and no journal or stream shows what holds it',
      place: { shard: '0', table: 'corder' },
      remedy: 'vtmigrate Audit',
    },
    {
      what: 'a table that another migration holds',
      to: {
        ...target(unsharded, whole, { deniedTables: ['corder'] }),
        journals: [journal({ workflow: 'other', runId: 'r', deniedTables: { '0': ['corder'] } })],
      },
      code: 'TABLE_DENIED',
      message: 'table corder is held by commerce.other from ext1.load, run ID r',
      place: { shard: '0', table: 'corder' },
      remedy: 'complete or cancel that one',
    },
    {
      what: 'a table that a stream with a regular expression may write to',
      to: { ...target(unsharded, whole, { deniedTables: ['corder'] }), ...streams('theirs', '/.*/') },
      code: 'TABLE_DENIED',
      message: 'table corder is held by commerce.theirs, a workflow that vtmigrate did not make',
      place: { shard: '0', table: 'corder' },
      remedy: 'complete or cancel that one',
    },
    {
      what: 'a table not in the VSchema',
      to: target(hashed('customer', 'product'), halves),
      code: 'VSCHEMA_TABLE_MISSING',
      message: 'table corder is not in the VSchema of the sharded target',
      place: { table: 'corder' },
      remedy: 'ApplyVSchema',
    },
    {
      what: 'a lookup as primary vindex',
      to: target(lookup, halves),
      changes: { tables: ['corder'] },
      code: 'VINDEX_UNUSABLE',
      message: 'the primary vindex of table corder is a lookup (consistent_lookup_unique)',
      place: { table: 'corder' },
      remedy: 'functional',
    },
    {
      what: 'no primary vindex',
      to: target(withEntry({ type: '', columnVindexes: [] }), halves),
      changes: { tables: ['corder'] },
      code: 'VINDEX_UNUSABLE',
      message: 'table corder has no primary vindex',
      place: { table: 'corder' },
      remedy: 'reference',
    },
    {
      what: 'a primary vindex without columns',
      to: target(withEntry({ type: '', columnVindexes: [{ name: 'h', columns: [] }] }), halves),
      changes: { tables: ['corder'] },
      code: 'VINDEX_UNUSABLE',
      message: 'table corder has no primary vindex',
      place: { table: 'corder' },
      remedy: 'reference',
    },
    {
      what: 'a vindex nobody has defined',
      to: target(withEntry({ type: '', columnVindexes: [{ name: 'h', columns: ['id'] }] }), halves),
      changes: { tables: ['corder'] },
      code: 'VINDEX_UNUSABLE',
      message: 'vindex h of table corder is not defined',
      place: { table: 'corder' },
      remedy: 'define it',
    },
  ];

  it.each(cases)(
    '$what is named once',
    ({ from = source(), to = target(), changes = {}, code, message, place, remedy }) => {
      const { problems } = plan(from, to, changes);
      expect(problems).toMatchObject([{ code, message, place, remedy: expect.stringContaining(remedy) as string }]);
    },
  );

  it('is all named at once, for each shard and table', () => {
    const from = { ...source(), sourceTablets: [] };
    const to = {
      ...target(hashed('customer'), halves, { deniedTables: ['customer'] }),
      filledTables: halves.map(({ name: shard }) => ({ shard, tables: ['corder'] })),
      targetStreams: halves.map(({ name: shard }) => ({
        place: targetPlace,
        shard,
        workflows: [{ workflow: 'wf', rules: [] }],
      })),
    };
    const { problems } = plan(from, to, { tables: ['corder', 'customer', 'nope'], cells: ['zone1'] });
    expect(problems.map((problem) => problem.code).sort()).toEqual([
      'CELL_NOT_FOUND',
      'NO_SOURCE_TABLET',
      'TABLE_DENIED',
      'TABLE_DENIED',
      'TABLE_NOT_FOUND',
      'TARGET_TABLE_NOT_EMPTY',
      'TARGET_TABLE_NOT_EMPTY',
      'VSCHEMA_TABLE_MISSING',
      'WORKFLOW_EXISTS',
      'WORKFLOW_EXISTS',
    ]);
    expect(problems.find((problem) => problem.code === 'NO_SOURCE_TABLET')?.remedy).toContain('no tablets');
  });

  it('is nothing that this run has made itself', () => {
    const to = {
      ...target(unsharded, whole, { tables: ['corder'], deniedTables: ['corder'] }),
      ...streams('wf', 'corder'),
      filledTables: [{ shard: '0', tables: ['corder'] }],
      journals: [journal({ createdTables: { '0': ['corder'] }, deniedTables: { '0': ['corder'] }, streams: true })],
    };
    expect(plan(source(), to).problems).toEqual([]);
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'a table called %s is looked up in the VSchema like any other',
    (name) => {
      const from = source({ tables: [name] });
      expect(plan(from, target(hashed(), halves)).problems).toMatchObject([{ code: 'VSCHEMA_TABLE_MISSING' }]);
      expect(plan(from, target()).plan.missingInVSchema).toEqual([name]);
    },
  );

  it('only ten of many tables are shown', () => {
    const tables = Array.from({ length: 12 }, (_, i) => `t${i}`);
    expect(plan(source({ tables }), target(), { tables: ['x'] }).problems[0]?.remedy).toMatch(/t0, .*t9 and 2 more$/);
  });
});
