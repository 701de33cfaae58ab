import { describe, expect, test } from 'vitest';
import { agreeOnFloats, differingFloats, type FloatRow } from '../../../src/migration/checksum/floats.js';
import type { ColumnFacts, TableFacts } from '../../../src/migration/plan/table-facts.js';

const column = (name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name,
  type,
  nullable: false,
  hasDefault: false,
  collation: type.startsWith('varchar') ? 'utf8mb4_0900_ai_ci' : '',
  generated: false,
  autoIncrement: false,
  ...more,
});
const table = (columns: ColumnFacts[], ...key: string[]): TableFacts => ({
  name: 't',
  engine: 'InnoDB',
  columns,
  uniqueKeys: key.length === 0 ? [] : [{ name: 'PRIMARY', columns: key, notNull: true }],
  foreignKeys: [],
  triggers: [],
});

describe('FLOAT columns can be set', () => {
  test('where a key tells rows apart: those that are stored, and no date of the row changes', () => {
    const found = table(
      [
        column('id', 'int'),
        column('at', 'datetime(3)'),
        column('f', 'float(7,2)'),
        column('half', 'float', { generated: true }),
        column('d', 'double'),
        column('seen', 'timestamp'),
      ],
      'id',
      'at',
    );
    expect(agreeOnFloats(found, [found])).toMatchObject({
      floats: ['f'],
      untouched: ['at', 'seen'],
      table: { columns: [{ name: 'id' }, { name: 'at' }, { name: 'f' }] },
    });
  });

  test('not where both sides order only a part of the key alike', () => {
    const key = ['id', 'code'];
    const source = table([column('id', 'int'), column('code', 'varchar(9)'), column('f', 'float')], ...key);
    const other = column('code', 'varchar(9)', { collation: 'utf8mb4_bin' });
    const target = table([column('id', 'int'), other, column('f', 'float')], ...key);
    expect(agreeOnFloats(source, [source])).toMatchObject({ floats: ['f'] });
    expect(agreeOnFloats(source, [target])).toMatch(/no key tells its rows apart/);
    expect(agreeOnFloats(table([column('f', 'float')]), [table([column('f', 'float')])])).toMatch(/no key/);
  });

  test('only where there are some', () => {
    const none = table([column('id', 'int'), column('d', 'double')], 'id');
    expect(agreeOnFloats(none, [none])).toBeNull();
  });
});

test('rows to set are those that the target has with another value', () => {
  const row = (key: string, ...values: (string | null)[]): FloatRow => ({ key: [key], values });
  const source = [row('1', '0.5', null), row('2', '16777215', '1'), row('3', '-0', '1'), row('4', '1', '1')];
  const target = [row('1', '0.5', null), row('2', '16777200', '1'), row('3', '0', '1'), row('5', '1', '1')];
  expect(differingFloats(source, target)).toEqual([source[1], source[2]]);
});
