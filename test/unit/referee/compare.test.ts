import { describe, expect, it } from 'vitest';
import { difference, readForm, type Contents } from '../../referee/compare.js';

const columns = [
  { name: 'f', type: 'float' },
  { name: 'v', type: 'varchar' },
];
const table = (...rows: Contents['rows']): Contents => ({ columns, rows });
const source = table(['0.5', '61'], ['1.5', null], ['1.5', null]);

describe('difference', () => {
  it('finds none where the shards together have the same rows, in any order', () => {
    expect(difference(source, [table(['1.5', null]), table(['1.5', null], ['0.5', '61'])])).toBeUndefined();
  });

  it.each([
    [
      'a value',
      [
        ['0.5', '62'],
        ['1.5', null],
        ['1.5', null],
      ],
    ],
    [
      'an empty string for a NULL',
      [
        ['0.5', '61'],
        ['1.5', ''],
        ['1.5', null],
      ],
    ],
    [
      'a case',
      [
        ['0.5', '41'],
        ['1.5', null],
        ['1.5', null],
      ],
    ],
    [
      'one row of two that are equal',
      [
        ['0.5', '61'],
        ['1.5', null],
      ],
    ],
    [
      'a row too many',
      [
        ['0.5', '61'],
        ['1.5', null],
        ['1.5', null],
        ['1.5', null],
      ],
    ],
    [
      'the sign of a zero',
      [
        ['-0.5', '61'],
        ['1.5', null],
        ['1.5', null],
      ],
    ],
    ['no rows', []],
  ] as [string, Contents['rows']][])('finds %s', (_, rows) => {
    const found = difference(source, [table(...rows)]);
    expect(found?.what).toMatch(/^values of /);
    expect([...(found?.onlySource ?? []), ...(found?.onlyTarget ?? [])]).not.toEqual([]);
  });

  it('names the columns whose values differ, and the rows of each side', () => {
    expect(difference(source, [table(['0.5', '62'], ['1.5', null], ['1.5', null])])).toEqual({
      what: 'values of v varchar differ; columns: f float, v varchar',
      onlySource: ['1 × ["0.5","61"]'],
      onlyTarget: ['1 × ["0.5","62"]'],
    });
  });

  it('finds a table that one side lacks, and columns that differ on any shard', () => {
    const wider: Contents = { columns: [...columns, { name: 'x', type: 'int' }], rows: [] };
    const retyped: Contents = { columns: columns.map((each) => ({ ...each, type: 'text' })), rows: [] };
    for (const sides of [[undefined], [source, undefined], [source, wider], [retyped]])
      expect(difference(source, sides)?.what).toMatch(/the tables are not the same/);
    expect(difference(undefined, [source])?.what).toMatch(/there is no such table/);
  });

  it('compares six digits of the columns named, and every digit of the others', () => {
    const exact = table(['16777217', '16777217']);
    expect(difference(exact, [table(['16777200', '16777217'])])).toBeDefined();
    expect(difference(exact, [table(['16777200', '16777217'])], ['f'])).toBeUndefined();
    expect(difference(exact, [table(['16777300', '16777217'])], ['f'])).toBeDefined();
    expect(difference(exact, [table(['16777200', '16777200'])], ['f'])).toBeDefined();
  });
});

describe('readForm', () => {
  it.each([
    ['set', 'cast(`c` as unsigned)'],
    ['bit', 'cast(`c` as unsigned)'],
    ['float', '`c` * 1e0'],
    ['bigint', 'cast(`c` as char)'],
    ['json', 'cast(`c` as char)'],
    ['varchar', 'hex(cast(`c` as binary))'],
    // It ends as the integers do.
    ['multipoint', 'hex(cast(`c` as binary))'],
    ['vector', 'hex(cast(`c` as binary))'],
  ])('of %s', (type, form) => {
    expect(readForm('`c`', type)).toBe(form);
  });
});
