import { describe, expect, test } from 'vitest';
import { driftGaps } from '../../src/migration/proof/drift.js';

const place = { cluster: 'ext1', keyspace: 'load' };
const then = 'CREATE TABLE `t` (\n  `id` bigint NOT NULL,\n  PRIMARY KEY (`id`)\n)';
const now = 'CREATE TABLE `t` (\n  `id` bigint NOT NULL,\n  `note` text,\n  PRIMARY KEY (`id`)\n)';

test('the same definition is no drift', () => {
  expect(driftGaps({ t: then }, { t: then }, [{ t: then }], place)).toEqual([]);
});

test('a changed one is shown with what is gone and what is new', () => {
  const gaps = driftGaps({ t: then, u: then }, { t: now, u: then }, [{ t: then }], place);
  expect(gaps).toMatchObject([{ code: 'SCHEMA_DRIFT', place: { ...place, table: 't' } }]);
  expect(gaps[0]?.message).toContain('\n+   `note` text,\n');
  expect(gaps[0]?.message).not.toContain('PRIMARY KEY');
  expect(gaps[0]?.message).not.toContain('make the same change');
  expect(gaps[0]?.remedy).toMatch(/make the same change on the target's table/);
});

test('a long difference is cut', () => {
  const wide = (column: string) => Array.from({ length: 300 }, (_, i) => `  \`${column}${i}\` bigint,`).join('\n');
  const [gap] = driftGaps({ t: wide('a') }, { t: wide('b') }, [], place);
  expect(gap?.message.length).toBeLessThan(2_200);
  expect(gap?.message).toContain('…');
});

test('a table that is gone', () => {
  expect(driftGaps({ t: then }, {}, [{ t: then }], place)).toMatchObject([
    {
      code: 'SCHEMA_DRIFT',
      message: expect.stringMatching(/dropped or renamed/) as string,
      remedy: expect.stringMatching(/Migrate -tables <table> Leave/) as string,
    },
  ]);
});

test('a change made on every target shard as well is none any more, whatever the order of its keys', () => {
  const keys = (...names: string[]) =>
    `CREATE TABLE \`t\` (\n  \`id\` bigint,\n${names.map((name) => `  KEY \`${name}\` (\`id\`)`).join(',\n')}\n)`;
  expect(driftGaps({ t: then }, { t: keys('a', 'b') }, [{ t: keys('b', 'a') }, { t: keys('a', 'b') }], place)).toEqual(
    [],
  );
  expect(driftGaps({ t: then }, { t: keys('a', 'b') }, [{ t: keys('b', 'a') }, { t: then }], place)).toHaveLength(1);
});

test('names that every object has are names like others', () => {
  expect(driftGaps({ constructor: then }, {}, [{}], place)).toHaveLength(1);
});

describe('a change of partitions alone', () => {
  const table = (parts: string, column = 'int') =>
    `CREATE TABLE \`t\` (\n  \`id\` ${column} NOT NULL,\n  PRIMARY KEY (\`id\`)\n) ENGINE=InnoDB` +
    (parts === '' ? '' : `\n/*!50100 PARTITION BY RANGE (\`id\`)\n(${parts}) */`);
  const [first, second] = ['PARTITION p0 VALUES LESS THAN (9)', 'PARTITION p1 VALUES LESS THAN (99)'];
  const codes = (source: string, target: string) =>
    driftGaps({ t: table(first) }, { t: source }, [{ t: target }], place).map(({ code }) => code);

  test('is told apart from a change of the rows', () => {
    expect(codes(table(second), table(first))).toEqual(['PARTITIONS_DIFFER']);
    expect(codes(table(''), table(first))).toEqual(['PARTITIONS_DIFFER']);
    expect(codes(table(second, 'bigint'), table(first))).toEqual(['SCHEMA_DRIFT']);
    expect(codes(table(second), table(first, 'bigint'))).toEqual(['SCHEMA_DRIFT']);
  });

  test('that was made on the target as well is none', () => {
    expect(codes(table(second), table(second))).toEqual([]);
  });
});
