import { describe, expect, test } from 'vitest';
import { agreeOnTable, asWritten, type ChecksumTable } from '../../../src/migration/checksum/columns.js';
import type { ColumnFacts, KeyFacts, TableFacts } from '../../../src/migration/plan/table-facts.js';

const column = (name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name,
  type,
  nullable: false,
  hasDefault: false,
  collation: /char|text|enum|set/.test(type) ? 'utf8mb4_0900_ai_ci' : '',
  generated: false,
  autoIncrement: false,
  ...more,
});

const primary = (...columns: string[]): KeyFacts => ({ name: 'PRIMARY', columns, notNull: true });

const table = (columns: ColumnFacts[], ...uniqueKeys: KeyFacts[]): TableFacts => ({
  name: 't',
  engine: 'InnoDB',
  columns,
  uniqueKeys,
  foreignKeys: [],
  triggers: [],
});

function agreed(source: TableFacts, ...targets: TableFacts[]): ChecksumTable {
  const found = agreeOnTable(source, targets.length === 0 ? [source] : targets);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const formOf = (type: string) => agreed(table([column('c', type)])).columns[0]?.form;

describe('a column counts with all that MySQL stores of it', () => {
  test.each([
    ['tinyint(1)', 'number'],
    ['bigint unsigned', 'number'],
    ['year', 'number'],
    ['float', 'float'],
    ['double(10,2)', 'double'],
    ['decimal(65,30)', 'short'],
    ['bit(64)', 'index'],
    ["enum('a','b')", 'index'],
    ["set('x','y')", 'index'],
    ['timestamp(6)', 'short'],
    ['varchar(60)', 'bytes'],
    ['longblob', 'bytes'],
    ['geometry', 'bytes'],
    ['vector(3)', 'bytes'],
    ['json', 'text'],
  ])('%s as %s', (type, form) => {
    expect(formOf(type)).toBe(form);
  });

  test('of another type on the other side, the same values are the same', () => {
    const forms = (source: ColumnFacts, target: ColumnFacts) =>
      agreed(table([source]), table([target])).columns.map(({ form }) => form);
    expect(forms(column('c', 'int'), column('c', 'bigint'))).toEqual(['number']);
    const latin = column('c', 'varchar(9)', { collation: 'latin1_swedish_ci' });
    expect(forms(latin, column('c', 'varchar(9)'))).toEqual(['text']);
    expect(forms(column('c', "enum('a','b')"), column('c', "enum('b','a')"))).toEqual(['text']);
  });

  test('it may be NULL if it may be on one side', () => {
    const [found] = agreed(table([column('c', 'int')]), table([column('c', 'int', { nullable: true })])).columns;
    expect(found?.nullable).toBe(true);
  });
});

describe('a table that cannot be compared says why', () => {
  test.each([
    ['a type that is not known', [column('c', 'hologram')], undefined, /column c of type hologram/],
    ['a column that is missing', [column('c', 'int')], [column('d', 'int')], /column c is missing in the target/],
    ['another kind of type', [column('c', 'int')], [column('c', 'varchar(9)')], /c is int in the source and varchar/],
  ])('%s', (_, source, target, reason) => {
    expect(agreeOnTable(table(source), [table(target ?? source)])).toMatch(reason);
  });
});

describe('rows are ordered by a key', () => {
  const keyOf = (facts: TableFacts, ...targets: TableFacts[]) => agreed(facts, ...targets).key.map(({ name }) => name);

  test('the primary key before another one, and no key that may be NULL', () => {
    const columns = [column('a', 'int'), column('b', 'int')];
    const unique: KeyFacts = { name: 'A', columns: ['b'], notNull: true };
    expect(keyOf(table(columns, unique, primary('a')))).toEqual(['a']);
    expect(keyOf(table(columns, unique))).toEqual(['b']);
    expect(keyOf(table(columns, { ...unique, notNull: false }))).toEqual([]);
    expect(keyOf(table(columns))).toEqual([]);
  });

  test('by its beginning where a column does not order as its literals do', () => {
    const columns = [column('a', 'int'), column('e', "enum('x')"), column('b', 'int')];
    expect(keyOf(table(columns, primary('a', 'e', 'b')))).toEqual(['a']);
    expect(keyOf(table(columns, primary('e', 'a')))).toEqual([]);
  });

  test('not by characters that order otherwise on the other side', () => {
    const text = column('a', 'varchar(9)');
    const other = { ...text, collation: 'utf8mb4_bin' };
    expect(keyOf(table([text], primary('a')))).toEqual(['a']);
    expect(keyOf(table([text], primary('a')), table([other], primary('a')))).toEqual([]);
  });

  test('BINARY is as wide as its column', () => {
    expect(agreed(table([column('a', 'binary(4)')], primary('a'))).key).toEqual([
      { name: 'a', form: 'hex', charset: 'binary', width: 4 },
    ]);
  });
});

test('a FLOAT whose loss is accepted counts with six digits', () => {
  const columns = [column('id', 'int'), column('f', 'float'), column('d', 'double')];
  const same = table(columns, primary('id'));
  expect(agreeOnTable(same, [same], { rounded: true })).toMatchObject({
    columns: [{ form: 'number' }, { form: 'rounded' }, { form: 'double' }],
  });
});

describe('the indexes of a key', () => {
  const id = column('id', 'bigint');
  const other = column('other', 'bigint');
  const unique = (name: string, ...columns: string[]): KeyFacts => ({ name, columns, notNull: true });
  const indexes = (source: KeyFacts[], target: KeyFacts[]) =>
    agreed(table([id, other], ...source), table([id, other], ...target)).indexes;

  test.each([
    ['of the same name', [primary('id')], [primary('id')], ['PRIMARY']],
    ['longer than what is used', [primary('id', 'other')], [primary('ID', 'other')], ['PRIMARY']],
    ['of another name on the other side', [primary('id')], [primary('other'), unique('u', 'id')], ['PRIMARY', 'u']],
    ['that the other side has not', [primary('id')], [primary('other')], []],
    ['that there are not', [], [primary('id')], []],
  ])('%s', (_, source, target, expected) => {
    expect(indexes(source, target)).toEqual(expected);
  });
});

describe('columns that the copy converts', () => {
  const at = column('at', 'datetime(6)');
  const id = column('id', 'bigint');
  const zone = 'Europe/Berlin';
  const converted = (key: KeyFacts) => {
    const facts = table([id, at, column('d', 'date'), column('t', 'timestamp')], key);
    const found = agreeOnTable(facts, [facts], { zone });
    if (typeof found === 'string') throw new Error(found);
    return found;
  };

  test('are DATETIME alone, and the source has them as they were written', () => {
    const zones = ({ columns }: ChecksumTable) =>
      columns.flatMap(({ name, zone }) => (zone === undefined ? [] : [name]));
    expect(zones(converted(primary('id')))).toEqual(['at']);
    expect(zones(asWritten(converted(primary('id'))))).toEqual([]);
  });

  test('are no part of a key, and end it', () => {
    expect(converted(primary('id', 'at')).key.map(({ name }) => name)).toEqual(['id']);
    expect(converted(primary('at', 'id')).key).toEqual([]);
  });
});
