import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/migration/input/duration.js';
import { containsPosition, leastPosition } from '../../src/migration/proof/position.js';
import { retiredName } from '../../src/migration/proof/source-tables.js';

describe('a GTID position contains another', () => {
  test.each([
    ['MySQL56/a:1-9', 'MySQL56/a:1-9', true],
    ['MySQL56/a:1-9', 'MySQL56/a:3-5:7', true],
    ['MySQL56/a:1-9', 'MySQL56/a:1-10', false],
    ['MySQL56/a:1-4:6-9', 'MySQL56/a:4-6', false],
    ['MySQL56/a:1-4:5-9', 'MySQL56/a:4-6', true],
    ['MySQL56/a:1-9,b:1-3', 'MySQL56/b:2', true],
    ['MySQL56/a:1-9', 'MySQL56/b:1', false],
    ['MySQL56/A:1-9', 'MySQL56/a:1', true],
    ['MySQL56/a:1-9:tag:1-3', 'MySQL56/a:tag:2', true],
    ['MySQL56/a:1-9', 'MySQL56/a:tag:2', false],
    ['MySQL56/a:tag:1-9', 'MySQL56/a:2', false],
    ['MySQL56/a:1-18446744073709551614', 'MySQL56/a:9007199254740993-9007199254740995', true],
    ['MySQL56/a:1-9', '', true],
    ['', 'MySQL56/a:1', false],
  ])('%s, %s: %s', (whole, part, contained) => {
    expect(containsPosition(whole, part)).toBe(contained);
  });

  test('the least of several, if they can be compared', () => {
    expect(leastPosition(['MySQL56/a:1-9', 'MySQL56/a:1-7', 'MySQL56/a:1-8'])).toBe('MySQL56/a:1-7');
    expect(leastPosition(['MySQL56/a:1-9', 'MySQL56/b:1-7'])).toBeUndefined();
    expect(leastPosition([])).toBeUndefined();
  });
});

test.each([
  ['30s', 30_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1.5s', 1_500],
  ['250ms', 250],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '1', '-1s', '1 s', 's', '1w', '1h-2m'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(/invalid duration/);
});

test('a retired table is called as MoveTables calls it', () => {
  expect(retiredName('corder')).toBe('_corder_old');
  expect(retiredName('x'.repeat(64))).toBe(`_${'x'.repeat(59)}_old`);
});
