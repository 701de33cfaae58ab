import { describe, expect, it } from 'vitest';
import { lanesOf, spreadTables, workflowsOf } from '../../src/migration/plan/lanes.js';
import type { SourceTable } from '../../src/migration/plan/facts.js';

const MiB = 1024 * 1024;

function table(name: string, bytes = 0, references?: string): SourceTable {
  const key =
    references === undefined
      ? ''
      : `,\n  CONSTRAINT \`${name}_fk\` FOREIGN KEY (\`a\`) REFERENCES \`${references}\` (\`a\`)`;
  return { name, rows: 1, bytes, ddl: `CREATE TABLE \`${name}\` (\n  \`a\` int${key}\n)` };
}

/** The names of each lane's tables, from one to the last. */
function spread(tables: SourceTable[], lanes: number | undefined, shards = 1): string[][] {
  const chosen = spreadTables(tables, lanes, shards);
  expect([...chosen.keys()].sort()).toEqual(tables.map(({ name }) => name).sort());
  const numbers = [...new Set(chosen.values())].sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
  return numbers.map((number) => [...chosen].filter(([, lane]) => lane === number).map(([name]) => name));
}

describe('tables are spread over lanes', () => {
  it('by size, the largest first', () => {
    const tables = [
      table('small', MiB),
      table('huge', 900 * MiB),
      table('large', 500 * MiB),
      table('middle', 300 * MiB),
    ];
    expect(spread(tables, 2)).toEqual([['huge'], ['large', 'middle', 'small']]);
  });

  it('by their number where they are small: each costs the same time', () => {
    const tables = Array.from({ length: 40 }, (_, n) => table(`t${n}`, n));
    expect(spread(tables, 8).map((lane) => lane.length)).toEqual(Array.from({ length: 8 }, () => 5));
  });

  it('the small ones beside a large one', () => {
    const tables = [table('large', 160 * MiB), ...Array.from({ length: 20 }, (_, n) => table(`t${n}`))];
    const [first = [], second = []] = spread(tables, 2);
    expect(first).toContain('large');
    expect([first.length, second.length]).toEqual([6, 15]);
  });

  it('no more lanes than tables', () => {
    expect(spread([table('a'), table('b')], 16)).toEqual([['a'], ['b']]);
  });

  it('one lane has all, in their order', () => {
    expect(spread([table('b'), table('a', 5)], 1)).toEqual([['b', 'a']]);
  });

  it('tables that foreign keys bind stay together, through others as well, and to themselves', () => {
    const tables = [
      table('a'),
      table('b', 0, 'a'),
      table('c', 0, 'b'),
      table('d', 0, 'd'),
      table('e', 0, 'not moved'),
      table('f', 0, 'g'),
      table('g'),
    ];
    const lanes = spread(tables, 16).map((lane) => lane.sort().join());
    expect(lanes.sort()).toEqual(['a,b,c', 'd', 'e', 'f,g']);
  });
});

describe('where nobody says how many lanes, the plan chooses', () => {
  const many = (count: number, size = 0) => Array.from({ length: count }, (_, n) => table(`t${n}`, size));
  const lanes = (tables: SourceTable[], shards?: number) => spread(tables, undefined, shards).length;

  it('one for a few small tables, and more for many', () => {
    expect([1, 7, 8, 15, 16, 31, 32, 200, 1_500].map((count) => lanes(many(count)))).toEqual([
      1, 1, 2, 3, 4, 7, 8, 8, 8,
    ]);
  });

  it('more for a few tables that are large', () => {
    expect([1, 2, 4].map((count) => lanes(many(count, 100 * MiB)))).toEqual([1, 2, 4]);
  });

  it('no more than help beside one large table', () => {
    expect(lanes([table('huge', 1_000_000 * MiB), ...many(100, 10 * MiB)])).toBe(2);
    expect(lanes([table('half', 3_200 * MiB), ...many(100)])).toBe(2);
  });

  it('fewer where each tablet has a stream for many shards', () => {
    expect([1, 2, 4, 16, 17, 256].map((shards) => lanes(many(200), shards))).toEqual([8, 8, 4, 1, 1, 1]);
  });

  it('one for tables that foreign keys bind', () => {
    expect(lanes(many(100).map(({ name }) => table(name, 100 * MiB, 't0')))).toBe(1);
  });

  it('one without tables', () => {
    expect(spreadTables([], undefined, 1).size).toBe(0);
  });
});

describe('the Vitess workflows of a plan', () => {
  const planned = (name: string, lane?: number) => ({
    name,
    rows: 0,
    bytes: 0,
    ...(lane === undefined ? {} : { lane }),
  });
  const target = { workflow: 'wf' };

  it('the first one has the name of the migration', () => {
    const plan = { target, tables: [planned('a', 3), planned('b'), planned('c', 2), planned('d', 3)] };
    expect(lanesOf(plan).map(({ workflow, tables }) => [workflow, tables.map(({ name }) => name)])).toEqual([
      ['wf', ['b']],
      ['wf-lane2', ['c']],
      ['wf-lane3', ['a', 'd']],
    ]);
  });

  it('a plan of an earlier version has one', () => {
    expect(workflowsOf({ target, tables: [planned('a'), planned('b')] })).toEqual(['wf']);
  });

  it('a plan without tables has one', () => {
    expect(lanesOf({ target, tables: [] })).toEqual([{ workflow: 'wf', tables: [] }]);
  });

  it('the names of lanes stay when another lane has lost all of its tables', () => {
    expect(workflowsOf({ target, tables: [planned('a', 3)] })).toEqual(['wf-lane3']);
  });
});
