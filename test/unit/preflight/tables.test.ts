import { describe, expect, it } from 'vitest';
import type { VSchemaFacts } from '../../../src/migration/plan/facts.js';
import type { TableFacts } from '../../../src/migration/plan/table-facts.js';
import type { CheckName } from '../../../src/migration/preflight/checks/index.js';
import {
  ask,
  column,
  ddl,
  halves,
  journal,
  planned,
  primary,
  said,
  source,
  table,
  target,
  targetPlace,
  unsharded,
} from './facts.js';

const sharded = (entry: Partial<VSchemaFacts['tables'][string]> = {}, type = 'xxhash'): VSchemaFacts => ({
  sharded: true,
  vindexes: { v: { type, params: {} } },
  tables: { t: { type: '', columnVindexes: [{ name: 'v', columns: ['id'] }], ...entry } },
});

const aboutTables: CheckName[] = [
  'no-primary-key',
  'float-column',
  'float-key',
  'vector-key',
  'unique-key-only',
  'foreign-key-outside',
  'foreign-key-sharded',
  'foreign-key-cascade',
  'foreign-key',
  'trigger',
  'engine',
  'generated-column',
  'auto-increment',
  'view',
];

const judged = (tables: TableFacts[], vschema = unsharded, views: string[] = []) =>
  said(
    ask(aboutTables, {
      ...planned({ ...source({ tables: tables.map(({ name }) => name) }), ...target(vschema) }),
      sourceDetails: [{ shard: '0', tables }],
      sourceViews: views,
    }),
  );

const reference = (changes: object = {}) => ({
  name: 'fk',
  references: 'p',
  onUpdate: 'RESTRICT',
  onDelete: 'NO ACTION',
  ...changes,
});

it('a sequence that is another table in the target', () => {
  const entries = (types: Record<string, string>): VSchemaFacts => ({
    ...unsharded,
    tables: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, columnVindexes: [] }])),
  });
  const facts = planned({
    ...source({ vschema: entries({ customer: 'sequence', corder: 'reference', product: 'sequence' }) }),
    ...target(entries({ customer: '', corder: 'reference' })),
  });
  expect(said(ask(['vschema-type'], facts))).toEqual([
    "vschema-type: customer is a sequence table in the source's VSchema, and a plain table in the target's",
  ]);
});

describe('tables of the source', () => {
  it.each([
    { what: 'nothing odd', tables: [table()], says: [] },
    {
      what: 'no key',
      tables: [table({ uniqueKeys: [] })],
      says: ['no-primary-key: table t has neither a primary key nor a unique key without NULLs'],
    },
    {
      what: 'a key with NULLs',
      tables: [table({ uniqueKeys: [{ name: 'u', columns: ['a'], notNull: false }] })],
      says: ['no-primary-key: table t has neither a primary key nor a unique key without NULLs'],
    },
    {
      what: 'a unique key',
      tables: [table({ uniqueKeys: [{ name: 'u', columns: ['a'], notNull: true }] })],
      says: ['unique-key-only: table t has no primary key; the unique key u identifies its rows'],
    },
    {
      what: 'a foreign key within',
      tables: [table({ foreignKeys: [reference({ references: 't' })] })],
      says: ['foreign-key: foreign key fk of table t references t; both are moved'],
    },
    {
      what: 'a foreign key outside that cascades',
      tables: [table({ foreignKeys: [reference({ onDelete: 'CASCADE', onUpdate: 'CASCADE' })] })],
      says: [
        'foreign-key-cascade: foreign key fk of table t references p with CASCADE; ' +
          'MySQL may not write such changes to the binary log',
        'foreign-key-outside: foreign key fk of table t references p, which is not moved',
      ],
    },
    {
      what: 'a FLOAT column',
      tables: [
        table({
          columns: [column('id'), column('f', { type: 'float(7,3) unsigned' }), column('d', { type: 'double' })],
        }),
      ],
      says: ['float-column: table t has FLOAT columns, of which the copy keeps six digits: f'],
    },
    {
      what: 'a FLOAT column in a key that may have NULLs',
      tables: [
        table({
          columns: [column('id'), column('f', { type: 'float' })],
          uniqueKeys: [primary, { name: 'u', columns: ['f'], notNull: false }],
        }),
      ],
      says: ['float-column: table t has FLOAT columns, of which the copy keeps six digits: f'],
    },
    {
      what: 'a FLOAT column in a unique key',
      tables: [
        table({
          columns: [column('id'), column('f', { type: 'float' })],
          uniqueKeys: [primary, { name: 'u', columns: ['f'], notNull: true }],
        }),
      ],
      says: [
        'float-key: table t has a key with FLOAT columns, which the copy rounds: f',
        'float-column: table t has FLOAT columns, of which the copy keeps six digits: f',
      ],
    },
    {
      what: 'a FLOAT column and no key',
      tables: [table({ columns: [column('f', { type: 'float' })], uniqueKeys: [] })],
      says: [
        'float-key: table t has no key, so that its rows are found by FLOAT columns, which the copy rounds: f',
        'no-primary-key: table t has neither a primary key nor a unique key without NULLs',
        'float-column: table t has FLOAT columns, of which the copy keeps six digits: f',
      ],
    },
    {
      what: 'a VECTOR column and no key',
      tables: [table({ columns: [column('id'), column('v', { type: 'vector(3)' })], uniqueKeys: [] })],
      says: [
        'vector-key: table t has no key, so that its rows are found by all columns, and MySQL does not compare VECTOR columns: v',
        'no-primary-key: table t has neither a primary key nor a unique key without NULLs',
      ],
    },
    {
      what: 'a VECTOR column beside a key',
      tables: [table({ columns: [column('id'), column('v', { type: 'vector(3)' })] })],
      says: [],
    },
    {
      what: 'a trigger',
      tables: [table({ triggers: ['a', 'b'] })],
      says: ['trigger: table t has triggers, which are not copied: a, b'],
    },
    {
      what: 'an engine',
      tables: [table({ engine: 'ROCKSDB' })],
      says: ['engine: table t uses the engine ROCKSDB, which cannot be read as of one point in time'],
    },
    {
      what: 'generated columns',
      tables: [table({ columns: Array.from({ length: 10 }, (_, i) => column(`c${i}`, { generated: true })) })],
      says: ['generated-column: table t has generated columns: c0, c1, c2, c3, c4, c5, c6, c7 and 2 more'],
    },
    {
      what: 'auto_increment, unsharded',
      tables: [table({ columns: [column('id', { autoIncrement: true })] })],
      says: [],
    },
    { what: 'views', tables: [], views: ['v', 'w'], says: ['view: views are not copied: v, w'] },
  ])('$what', ({ tables, views = [], says }) => {
    expect(judged(tables, unsharded, views)).toEqual(says);
  });

  it.each([
    {
      entry: {},
      says: ['auto-increment: column id of table t is AUTO_INCREMENT: each shard of the target would count for itself'],
    },
    { entry: { autoIncrement: { column: 'id', sequence: 's' } }, says: [] },
    { entry: { type: 'reference' }, says: [] },
  ])('auto_increment into a sharded target, with $entry', ({ entry, says }) => {
    expect(judged([table({ columns: [column('id', { autoIncrement: true })] })], sharded(entry))).toEqual(says);
  });

  it('a foreign key into a sharded target holds within a shard only', () => {
    expect(judged([table({ foreignKeys: [reference({ references: 't' })] })], sharded())).toEqual([
      'foreign-key-sharded: foreign key fk of table t references t; a sharded target checks it within each shard only',
    ]);
  });

  it('are judged once, however many shards have them', () => {
    const odd = table({ triggers: ['a'] });
    const facts = {
      ...planned(source({ shards: halves, tables: ['t'] })),
      sourceDetails: halves.map(({ name: shard }) => ({ shard, tables: [odd] })),
    };
    expect(ask(['trigger'], facts)).toHaveLength(1);
  });
});

describe('values that streams do not carry', () => {
  const members = (count: number) => Array.from({ length: count }, (_, i) => `'m${i}'`).join(',');
  const found = (type: string, collation = 'utf8mb4_0900_ai_ci') =>
    said(
      ask(['member-lost'], {
        ...planned(source({ tables: ['t'] })),
        sourceDetails: [{ shard: '0', tables: [table({ columns: [column('id'), column('c', { type, collation })] })] }],
      }),
    ).map((text) => text.replace('member-lost: column c of table t may lose values: ', ''));

  it.each([
    { type: "enum('a','it''s','')", says: [] },
    { type: `set(${members(63)})`, says: [] },
    { type: `enum(${members(64)})`, says: [] },
    { type: "varchar(9) comment 'enum(?)'", says: [] },
    { type: `set(${members(64)})`, says: ['replication leaves out the 64th member of a SET'] },
    { type: "set('a','')", says: ['the copy leaves out a member of a SET that is the empty string'] },
    {
      type: "enum('a','?b')",
      says: [
        'MySQL shows a member as ?b, in which a question mark stands for any character of four bytes; ' +
          'with such a character, the copy writes the empty value instead',
      ],
    },
  ])('$type', ({ type, says }) => {
    expect(found(type)).toEqual(says);
  });

  it('a question mark is one where the charset has no characters of four bytes', () => {
    expect(found("enum('?')", 'utf8mb3_general_ci')).toEqual([]);
    expect(found("enum('?')", 'utf16_bin')).toHaveLength(1);
  });
});

describe('definitions of several source shards', () => {
  const found = (tables: Record<string, [name: string, ddl: string][]>, changes = {}) => {
    const sourceSchemas = Object.entries(tables).map(([shard, all]) => ({
      shard,
      tables: all.map(([name, definition]) => ({ name, rows: 1, bytes: 1, ddl: definition })),
    }));
    return ask(['source-schema-differs'], planned({ ...source({ shards: halves }), sourceSchemas }, changes));
  };
  const other = ddl('t').replace('bigint', 'int');

  it('are the same', () => {
    expect(found({ '-80': [['t', ddl('t')]], '80-': [['t', ddl('t')]] })).toEqual([]);
  });

  it('may have their lines in another order', () => {
    const [one, two] = [
      'CREATE TABLE `t` (\n  `id` bigint,\n  KEY `a` (`a`),\n  KEY `b` (`b`)\n)',
      'CREATE TABLE `t` (\n  `id` bigint,\n  KEY `b` (`b`),\n  KEY `a` (`a`)\n)',
    ];
    expect(found({ '-80': [['t', one]], '80-': [['t', two]] })).toEqual([]);
  });

  it('differ', () => {
    const differ = found({ '-80': [['t', ddl('t')]], '80-': [['t', other]] });
    expect(said(differ)).toEqual([
      'source-schema-differs: table t has another definition on this shard than on shard -80',
    ]);
    expect(differ[0]).toMatchObject({
      severity: 'error',
      place: { cluster: 'ext1', keyspace: 'load', shard: '80-', table: 't' },
    });
  });

  it('are missing on a shard, be it the first', () => {
    expect(said(found({ '-80': [], '80-': [['t', ddl('t')]] }))).toEqual([
      'source-schema-differs: table t is not on this shard, but on shard 80-',
    ]);
  });

  it('of tables that stay do not matter', () => {
    const both = { '-80': [['t', ddl('t')]], '80-': [['t', other]] } as Record<string, [string, string][]>;
    expect(found({ '-80': [...(both['-80'] ?? []), ['u', 'x']], '80-': [['u', 'x']] }, { tables: ['u'] })).toEqual([]);
  });
});

describe('a table that the target has already', () => {
  const compare = (from: Partial<TableFacts>, to: Partial<TableFacts>, journals = [journal()]) =>
    said(
      ask(['target-table-incompatible', 'target-table-differs'], {
        ...planned(source({ tables: ['t'] })),
        journals,
        sourceDetails: [{ shard: '0', tables: [table(from)] }],
        targetDetails: [{ place: targetPlace, shard: '0', tables: [table(to)] }],
      }),
    ).map((text) =>
      text.replace(/table t of the target (cannot take the source's rows|differs from the source's)/, '…'),
    );

  it.each([
    { what: 'the same', from: {}, to: {}, says: [] },
    { what: 'the same in other case', from: { columns: [column('ID')] }, to: {}, says: [] },
    {
      what: 'a missing column',
      from: { columns: [column('id'), column('a')] },
      to: {},
      says: ['target-table-incompatible: …: a is missing'],
    },
    {
      what: 'a missing generated column',
      from: { columns: [column('id'), column('a', { generated: true })] },
      to: {},
      says: ['target-table-differs: …: a, generated in the source, is missing'],
    },
    {
      what: 'a column that must be filled',
      from: {},
      to: { columns: [column('id'), column('a')] },
      says: ['target-table-incompatible: …: a is only in the target, NOT NULL and without a default'],
    },
    {
      what: 'a column that need not be filled',
      from: {},
      to: { columns: [column('id'), column('a', { nullable: true }), column('b', { hasDefault: true })] },
      says: ['target-table-differs: …: a is only in the target, b is only in the target'],
    },
    {
      what: 'an invisible primary key that MySQL has made',
      from: { uniqueKeys: [] },
      to: {
        columns: [column('my_row_id', { autoIncrement: true }), column('id')],
        uniqueKeys: [{ name: 'PRIMARY', columns: ['my_row_id'], notNull: true }],
      },
      says: [
        'target-table-incompatible: …: my_row_id of its primary key is only in the target',
        'target-table-differs: …: the primary key on my_row_id is only in the target',
      ],
    },
    {
      what: 'generated in the target',
      from: { columns: [column('a')] },
      to: { columns: [column('a', { generated: true })] },
      says: ['target-table-incompatible: …: a is generated'],
    },
    {
      what: 'generated in the source',
      from: { columns: [column('a', { generated: true })] },
      to: { columns: [column('a')] },
      says: ['target-table-incompatible: …: a is not generated'],
    },
    {
      what: 'type, collation, NULL',
      from: { columns: [column('id', { nullable: true, collation: 'x' })] },
      to: { columns: [column('id', { type: 'int' })] },
      says: ['target-table-differs: …: id is int, not bigint, id has collation none, not x, id is NOT NULL'],
    },
    {
      what: 'keys',
      from: { uniqueKeys: [primary] },
      to: { uniqueKeys: [{ name: 'u', columns: ['id', 'select'], notNull: true }] },
      says: [
        'target-table-differs: …: the primary key on id is missing, a unique key on id, `select` is only in the target',
      ],
    },
    {
      what: 'triggers',
      from: {},
      to: { triggers: ['x'] },
      says: ['target-table-differs: …: the target has triggers, which copied rows would fire: x'],
    },
  ])('$what', ({ from, to, says }) => {
    expect(compare(from, to)).toEqual(says);
  });

  it('is not compared when this run has made it', () => {
    const odd = { columns: [column('id'), column('a')] };
    expect(compare({}, odd, [journal({ createdTables: { '0': ['t'] } })])).toEqual([]);
    expect(compare({}, odd, [journal({ createdTables: { '-80': ['t'] } })])).toHaveLength(1);
    expect(compare({}, odd, [journal({ runId: 'other', createdTables: { '0': ['t'] } })])).toHaveLength(1);
  });
});

describe('vindexes', () => {
  const found = (to: VSchemaFacts, from = unsharded, tables = [table()]) =>
    said(
      ask(['vindex-column', 'vindex-text', 'vindex-charset', 'vindex-unknown', 'vindex-differs'], {
        ...planned({ ...source({ tables: tables.map(({ name }) => name), vschema: from }), ...target(to) }),
        sourceDetails: [{ shard: '0', tables }],
      }),
    );

  it.each([
    { what: 'an unsharded target', to: unsharded, says: [] },
    { what: 'one that fits', to: sharded(), says: [] },
    {
      what: 'a reference table',
      to: sharded({ type: 'reference', columnVindexes: [{ name: 'v', columns: ['x'] }] }),
      says: [],
    },
    {
      what: 'a column that is not there',
      to: sharded({ columnVindexes: [{ name: 'v', columns: ['ID', 'x'] }] }),
      says: ['vindex-column: table t has no column x, which its primary vindex v takes'],
    },
    {
      what: 'an unknown type',
      to: sharded({}, 'mine'),
      says: ['vindex-unknown: vindex v of table t is of type mine, which Vitess 24 does not have'],
    },
    { what: 'a lookup, which is refused', to: sharded({}, 'consistent_lookup_unique'), says: [] },
    { what: 'the same in a sharded source', to: sharded(), from: sharded(), says: [] },
    {
      what: 'another type in a sharded source',
      to: sharded(),
      from: sharded({}, 'hash'),
      says: ['vindex-differs: table t is sharded by hash(id) in the source and by xxhash(id) in the target'],
    },
    {
      what: 'another column in a sharded source',
      to: sharded(),
      from: sharded({ columnVindexes: [{ name: 'v', columns: ['b'] }] }),
      says: ['vindex-differs: table t is sharded by xxhash(b) in the source and by xxhash(id) in the target'],
    },
    { what: 'a table the sharded source does not know', to: sharded(), from: { ...sharded(), tables: {} }, says: [] },
  ])('$what', ({ to, from, says }) => {
    expect(found(to, from)).toEqual(says);
  });

  it.each(['xxhash', 'binary', 'unicode_loose_md5'])('%s hashes the zeros of ZEROFILL', (type) => {
    const filled = column('ID', { type: 'int(10) unsigned zerofill' });
    expect(found(sharded({}, type), unsharded, [table({ columns: [filled] })])).toEqual([
      'vindex-text: column ID of table t is int(10) unsigned zerofill, and its primary vindex v hashes the text ' +
        'of it: the copy has the leading zeros, and later changes have not',
    ]);
  });

  it.each([
    ['utf16_bin', [expect.stringMatching(/^vindex-text: column id of table t is in utf16, .* the copy has UTF-8/)]],
    ['gbk_chinese_ci', [expect.stringMatching(/^vindex-charset: column id of table t is in gbk, /)]],
    ['latin1_swedish_ci', [expect.stringMatching(/^vindex-charset: column id of table t is in latin1, /)]],
    ['utf8mb4_0900_ai_ci', []],
    ['utf8mb3_bin', []],
    ['ascii_general_ci', []],
    ['binary', []],
  ])('a text in %s', (collation, says) => {
    const columns = [column('id', { type: 'varchar(20)', collation })];
    expect(found(sharded(), unsharded, [table({ columns })])).toEqual(says);
    expect(found(sharded({}, 'hash'), unsharded, [table({ columns })])).toEqual([]);
  });

  it('ZEROFILL does not matter to a vindex of numbers, nor in another column', () => {
    const filled = { type: 'int(10) unsigned zerofill' };
    expect(found(sharded({}, 'hash'), unsharded, [table({ columns: [column('id', filled)] })])).toEqual([]);
    expect(found(sharded(), unsharded, [table({ columns: [column('id'), column('a', filled)] })])).toEqual([]);
  });

  it('each column of a multicol vindex has a vindex of its own', () => {
    const filled = { type: 'int(10) unsigned zerofill' };
    const entry = { type: '', columnVindexes: [{ name: 'v', columns: ['a', 'b'] }] };
    const vschema = {
      sharded: true,
      vindexes: { v: { type: 'multicol', params: { column_count: '2', column_vindex: 'hash,xxhash' } } },
      tables: { t: entry },
    };
    expect(found(vschema, unsharded, [table({ columns: [column('a', filled), column('b', filled)] })])).toEqual([
      expect.stringMatching(/^vindex-text: column b /),
    ]);
  });

  it.each(['constructor', '__proto__'])('a table called %s is no surprise', (name) => {
    expect(found(sharded(), sharded(), [table({ name })])).toEqual([]);
  });
});
