import { describe, expect, it } from 'vitest';
import type { TableFacts } from '../../../src/migration/plan/table-facts.js';
import { largeTable } from '../../../src/migration/preflight/checksum-keys.js';
import { ask, column, planned, primary, said, source, table, targetPlace } from './facts.js';

/** What is found of a table of this size, beside one that the target has already. */
function found(bytes: number, from: Partial<TableFacts>, to?: Partial<TableFacts>): string[] {
  const facts = source({ tables: ['t'] });
  for (const each of facts.sourceSchemas) for (const of of each.tables) of.bytes = bytes;
  return said(
    ask(['checksum-column', 'checksum-key', 'checksum-whole'], {
      ...planned(facts),
      sourceDetails: [{ shard: '0', tables: [table(from)] }],
      targetDetails: [{ place: targetPlace, shard: '0', tables: to === undefined ? [] : [table(to)] }],
    }),
  );
}

const text = (name: string, collation = 'utf8mb4_bin') => column(name, { type: 'varchar(9)', collation });
const pair = { ...primary, columns: ['a', 'b'] };

describe('tables that the checksums cannot compare', () => {
  it('have a type that no checksum is known for', () => {
    expect(found(0, { columns: [column('id'), column('u', { type: 'uuid' })] })).toEqual([
      'checksum-column: the rows of table t cannot be compared by checksums: ' +
        'nobody knows how to compare column u of type uuid',
    ]);
  });

  it('lack a generated column in the target; one that lacks another column is refused anyway', () => {
    const columns = (generated: boolean) => [column('id'), column('a', { generated })];
    expect(found(0, { columns: columns(true) }, { columns: [column('id')] })).toEqual([
      'checksum-column: the rows of table t cannot be compared by checksums: column a is missing in the target',
    ]);
    expect(found(0, { columns: columns(false) }, { columns: [column('id')] })).toEqual([]);
  });

  it('are another kind of value in the target', () => {
    const columns = [column('id'), column('a', { type: 'date' })];
    expect(found(0, { columns }, { columns: [column('id'), text('a')] })).toEqual([
      'checksum-column: the rows of table t cannot be compared by checksums: ' +
        'column a is date in the source and varchar(9) in the target',
    ]);
  });
});

describe('tables that are not read along their key', () => {
  it.each([
    { what: 'a key', from: {}, says: [] },
    { what: 'no key', from: { uniqueKeys: [] }, says: ['as a whole', 'it has no key that can be cut into parts'] },
    {
      what: 'a key of ENUM',
      from: { columns: [column('id', { type: "enum('a')" })] },
      says: ['as a whole', 'it has no key that can be cut into parts'],
    },
    { what: 'the same in the target', from: {}, to: {}, says: [] },
    {
      what: 'a key of another type in the target',
      from: {},
      to: { columns: [column('id', { type: 'int', nullable: true })] },
      says: ['as a whole', 'column id of its key is bigint not null in the source and int null in the target'],
    },
    {
      what: 'a key whose end is of another collation in the target',
      from: { columns: [column('a'), text('b')], uniqueKeys: [pair] },
      to: { columns: [column('a'), text('b', 'utf8mb4_0900_ai_ci')], uniqueKeys: [pair] },
      says: [
        'in parts by a only',
        'column b of its key is varchar(9) collate utf8mb4_bin not null in the source and ' +
          'varchar(9) collate utf8mb4_0900_ai_ci not null in the target',
      ],
    },
    {
      what: 'another key that is alike',
      from: { columns: [column('a'), column('b')], uniqueKeys: [primary, { ...pair, name: 'u', columns: ['b'] }] },
      to: { columns: [column('a', { type: 'int' }), column('b')] },
      says: [],
    },
  ])('$what', ({ from, to, says }) => {
    for (const [bytes, check] of [
      [largeTable, 'checksum-whole'],
      [largeTable + 1, 'checksum-key'],
    ] as const) {
      const all = found(bytes, from, to);
      expect(all).toHaveLength(Math.min(1, says.length));
      for (const text of [...(says.length === 0 ? [] : [`${check}: the checksums read table t`]), ...says])
        expect(all[0]).toContain(text);
    }
  });
});
