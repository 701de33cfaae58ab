import { describe, expect, it } from 'vitest';
import type { VSchemaFacts } from '../../../src/migration/plan/facts.js';
import type { ColumnFacts } from '../../../src/migration/plan/table-facts.js';
import { doubtfulColumns } from '../../../src/migration/preflight/vindex-values.js';
import { ask, column, halves, planned, said, source, sourcePlace, table, target, whole } from './facts.js';

/** A table t, distributed by its columns a and b or by one of them. */
function factsOf(type: string, columns: ColumnFacts[], params: Record<string, string> = {}, shards = halves) {
  const vschema: VSchemaFacts = {
    sharded: true,
    vindexes: { v: { type, params } },
    tables: { t: { type: '', columnVindexes: [{ name: 'v', columns: columns.map(({ name }) => name) }] } },
  };
  const sourceDetails = [{ shard: '0', tables: [table({ columns: [column('id'), ...columns] })] }];
  // Vindexes with parameters must be known to the source.
  const from = source({ tables: ['t'], vschema: { ...vschema, sharded: false } });
  return { ...planned({ ...from, ...target(vschema, shards) }), sourceDetails };
}
const doubts = (...args: Parameters<typeof factsOf>) =>
  doubtfulColumns(factsOf(...args)).map(({ column: name, unmapped }) => `${name}: ${unmapped}`);
const a = (type: string, nullable = false) => column('a', { type, nullable });
const b = (type: string, nullable = false) => column('b', { type, nullable });

describe('values without a keyspace ID', () => {
  it.each([
    ['hash', a('bigint'), []],
    ['hash', a('bigint', true), ['a: null']],
    ['hash', a('int(10) unsigned zerofill'), []],
    ['hash', a('year'), []],
    ['hash', a('varchar(20)', true), ['a: null', 'a: text']],
    ['hash', a('decimal(10,2)'), ['a: text']],
    ['hash', a('date'), ['a: text']],
    ['numeric', a('bigint'), ['a: negative']],
    ['reverse_bits', a('bigint unsigned', true), ['a: null']],
    ['numeric_static_map', a("enum('1','2')"), ['a: text']],
    ['binary', a('varchar(20)', true), ['a: null', 'a: empty']],
    ['cfc', a('varbinary(20)'), ['a: empty']],
    ['binary', a('bigint', true), ['a: null']],
    ['xxhash', a('varchar(20)', true), []],
    ['unicode_loose_md5', a('varchar(20)', true), []],
    ['null', a('bigint', true), []],
    ['homemade', a('bigint', true), []],
  ])('%s of %o: %o', (type, of, expected) => {
    expect(doubts(type, [of])).toEqual(expected);
  });

  it.each([
    ['region_json', [], ['a: null', 'a: text', 'b: null']],
    ['region_experimental', [], ['a: null', 'a: text', 'b: null', 'b: text']],
    ['multicol', ['column_vindex', 'xxhash'], ['b: null', 'b: text']],
    ['multicol', ['column_vindex', ' binary, numeric'], ['b: null', 'b: text']],
    ['multicol', ['column_vindex', ',xxhash'], ['a: null', 'a: text']],
  ])('%s %o of two columns: %o', (type, [name, value = ''], expected) => {
    const params = name === undefined ? {} : { [name]: value };
    expect(doubts(type, [a('varchar(2)', true), b('varchar(2)', true)], params)).toEqual(expected);
  });

  it('do not matter where a target shard gets every row', () => {
    expect(doubts('hash', [a('bigint', true)], {}, whole)).toEqual([]);
  });

  it('are an error where there are any, and otherwise a warning', () => {
    const of = (found: boolean | undefined) =>
      said(
        ask(['vindex-value', 'vindex-value-possible'], {
          vindexValues: [
            { table: 't', column: 'a', vindex: 'v', unmapped: 'null', place: { ...sourcePlace, table: 't' }, found },
          ],
        }),
      );
    const what = 'values in column a of table t, and the primary vindex v has no keyspace ID for NULL';
    expect(of(true)).toEqual([`vindex-value: there are such ${what}`]);
    expect(of(false)).toEqual([`vindex-value-possible: there may be such ${what}: no row has one now`]);
    expect(of(undefined)).toEqual([`vindex-value-possible: there may be such ${what}: MySQL could not tell in time`]);
  });

  it('NULL is hashed by some, which is good to know', () => {
    const found = (type: string, of: ColumnFacts) => said(ask(['vindex-null'], factsOf(type, [of])));
    expect(found('xxhash', a('bigint', true))).toEqual([
      'vindex-null: column a of table t may be NULL: its primary vindex v puts all such rows into one shard',
    ]);
    expect(found('xxhash', a('bigint'))).toEqual([]);
    expect(found('hash', a('bigint', true))).toEqual([]);
  });
});
