import { describe, expect, it } from 'vitest';
import { randomKind } from '../../referee/kinds.js';
import { Random } from '../../referee/random.js';
import { moments, scenarioOf } from '../../referee/scenario.js';
import { chosenSeeds } from '../../referee/seeds.js';
import { textLiteral } from '../../referee/strings.js';
import { randomWrite } from '../../referee/writes.js';

const seeds = Array.from({ length: 400 }, (_, i) => i + 1);

describe('a seed', () => {
  it('decides everything, and another one something else', () => {
    expect(JSON.stringify(scenarioOf(17))).toBe(JSON.stringify(scenarioOf(17)));
    expect(JSON.stringify(scenarioOf(17))).not.toBe(JSON.stringify({ ...scenarioOf(18), seed: 17 }));
    const writes = (seed: number): string[] => {
      const { tables, writers } = scenarioOf(seed);
      return writers.flatMap((random) => Array.from({ length: 20 }, () => randomWrite(random, tables)).flat());
    };
    expect(writes(17)).toEqual(writes(17));
  });

  it('gives each part numbers of its own, whatever the others use up', () => {
    const [first, second] = [new Random('a'), new Random('a')];
    first.bytes(100);
    expect(first.fork('part').bytes(20)).toEqual(second.fork('part').bytes(20));
    expect(first.fork('part').bytes(20)).not.toEqual(first.fork('another').bytes(20));
  });

  it('picks every element, and both ends of a range', () => {
    const random = new Random('ends');
    expect(new Set(Array.from({ length: 200 }, () => random.int(-1, 2)))).toEqual(new Set([-1, 0, 1, 2]));
    expect(random.some([1, 2, 3], 9).sort()).toEqual([1, 2, 3]);
  });
});

const definitions = seeds.flatMap((seed) => scenarioOf(seed).tables.map(({ definition }) => definition));

/** Words that many seeds together must bring up, each in a definition of a table. */
const words = [
  ...[
    'tinyint',
    'smallint',
    'mediumint',
    'int',
    'bigint',
    'bigint unsigned',
    'zerofill',
    'decimal(65,30)',
    'float',
    'double',
  ],
  ...[
    'bit(1)',
    'bit(64)',
    'year',
    'char(',
    'varchar(',
    'tinytext',
    'text',
    'longtext',
    'binary(',
    'varbinary(',
    'longblob',
  ],
  ...['latin1', 'utf8mb4', 'ascii', 'ucs2', 'utf16', 'sjis', 'gbk', 'cp1251', '_ci', '_cs', '_bin', '0900'],
  ...['enum(', 'set(', "''", 'json', 'date', 'time(6)', 'datetime(3)', 'timestamp(6)', 'on update'],
  ...['point', 'linestring', 'polygon', 'geometrycollection', 'srid 0', 'srid 4326', 'vector('],
  ...['virtual', 'stored', 'invisible', 'null', 'default (', 'primary key', 'unique key', 'partition by range'],
];

describe('the scenarios of 400 seeds', () => {
  it.each(words)('have tables with %s', (word) => {
    expect(definitions.some((definition) => definition.includes(word))).toBe(true);
  });

  it('have every kind of target, fence, key, DDL, mishap and moment', () => {
    const all = seeds.map(scenarioOf);
    const distinct = (values: unknown[]) => new Set(values);
    expect(distinct(all.map(({ keyspace, fenced }) => `${keyspace} ${fenced}`)).size).toBe(4);
    expect(distinct(all.flatMap(({ tables }) => tables.map(({ key }) => key))).size).toBe(3);
    expect(distinct(all.flatMap(({ ddl }) => ddl.map(({ moment }) => moment)))).toEqual(new Set(moments));
    expect(distinct(all.flatMap(({ ddl }) => ddl.map(({ ddl: { kind } }) => kind))).size).toBe(8);
    expect(distinct(all.flatMap(({ mishap }) => (mishap === undefined ? [] : [mishap.kind]))).size).toBe(3);
  });

  it('write nothing unfenced once Complete has been asked for', () => {
    const late = seeds.map(scenarioOf).filter(({ ddl }) => ddl.some(({ moment }) => moment === 'completing'));
    expect(late.every(({ fenced }) => fenced)).toBe(true);
  });

  it('give a sharded table a vindex on a column of its key', () => {
    for (const { tables, keyspace } of seeds.map(scenarioOf))
      for (const { vindex, keyColumns } of tables)
        expect(keyColumns.includes(vindex?.column ?? ''), keyspace).toBe(keyspace === 'customer');
  });
});

describe('values', () => {
  const random = new Random('values');
  const of = (type: string): string[] => {
    const values: string[] = [];
    for (let i = 0; i < 200_000 && values.length < 30_000; i++) {
      const kind = randomKind(random);
      if (kind.type === type) values.push(...Array.from({ length: 100 }, () => kind.value(random)));
    }
    return values;
  };

  it.each([
    ['bigint unsigned', 0n, 2n ** 64n - 1n],
    ['tinyint', -128n, 127n],
    ['bigint', -(2n ** 63n), 2n ** 63n - 1n],
  ])('of %s reach both ends and stay within', (type, least, most) => {
    const numbers = of(type).map(BigInt);
    expect(numbers).toContain(least);
    expect(numbers).toContain(most);
    expect(numbers.every((each) => each >= least && each <= most)).toBe(true);
  });

  it('of DOUBLE have both zeros, the largest and the smallest', () => {
    expect(of('double')).toEqual(expect.arrayContaining(['-0e0', '0', '1.7976931348623157e308', '5e-324']));
  });

  it('of BINARY have every byte', () => {
    const bytes = of('binary(40)').flatMap((value) => [...Buffer.from(value.slice(2, -1), 'hex')]);
    expect(new Set(bytes).size).toBe(256);
  });

  it('of strings are literals that no session changes', () => {
    expect(textLiteral('')).toBe("''");
    expect(textLiteral("表'\\")).toBe("_utf8mb4 X'e8a1a8275c'");
  });
});

describe('REFEREE_SEEDS', () => {
  it('takes numbers and ranges', () => {
    expect(chosenSeeds('17')).toEqual([17]);
    expect(chosenSeeds('1-3, 9')).toEqual([1, 2, 3, 9]);
    expect(chosenSeeds('')).toHaveLength(10);
  });

  it('refuses anything else', () => {
    expect(() => chosenSeeds('all')).toThrow(/REFEREE_SEEDS takes/);
  });
});
