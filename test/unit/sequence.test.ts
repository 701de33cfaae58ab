import { describe, expect, it } from 'vitest';
import { largestOf, nextAfter, sequencesOf } from '../../src/migration/plan/sequence.js';
import type { SequenceFacts } from '../../src/migration/preflight/facts.js';
import { ask, planned, said, unsharded } from './preflight/facts.js';

it.each([
  ['commerce.seq', { keyspace: 'commerce', table: 'seq' }],
  ['seq', { keyspace: undefined, table: 'seq' }],
  ['`a.b`.`c``d`', { keyspace: 'a.b', table: 'c`d' }],
  ['commerce.`my seq`', { keyspace: 'commerce', table: 'my seq' }],
])('reads the name %s as the VSchema has it', (name, sequence) => {
  const entry = { type: '', columnVindexes: [], autoIncrement: { column: 'id', sequence: name } };
  const vschema = { ...unsharded, tables: { customer: entry, other: entry } };
  expect(sequencesOf(['customer', 'corder'], vschema)).toEqual([{ table: 'customer', column: 'id', sequence }]);
});

it.each([
  [[], undefined],
  [[undefined], undefined],
  [[undefined, -5n, undefined], -5n],
  [[1n, 18446744073709551615n, 9007199254740993n], 18446744073709551615n],
])('the largest of %s is %s', (values, largest) => {
  expect(largestOf(values)).toBe(largest);
});

it.each([
  [undefined, 1n],
  [-3n, 1n],
  [0n, 1n],
  [5n, 6n],
  [2n ** 63n - 2n, 2n ** 63n - 1n],
  [2n ** 63n - 1n, undefined],
])('the first number above %s is %s', (largest, next) => {
  expect(nextAfter(largest)).toBe(next);
});

describe('the checks of sequences', () => {
  const sequence: SequenceFacts = {
    table: 'customer',
    column: 'id',
    name: 'commerce.seq',
    place: { cluster: 'target', keyspace: 'commerce', table: 'seq' },
    refusal: '',
    moves: false,
    nextId: 1n,
    largest: undefined,
  };
  const unusable = (why: string) =>
    'sequence-unusable: column id of table customer gets its numbers from commerce.seq, ' + `which gives none: ${why}`;
  const behind = (what: string) =>
    `sequence-behind: sequence commerce.seq ${what}: inserts into customer without a value for id would fail`;

  it.each<[string, Partial<SequenceFacts>, string[], 'always'?]>([
    ['of a table without rows', {}, []],
    ['just ahead', { nextId: 6n, largest: 5n }, []],
    ['just behind', { nextId: 5n, largest: 5n }, [behind('would give 5 next, but the source already has 5')]],
    ['at numbers below zero', { nextId: 1n, largest: -3n }, []],
    ['below zero itself', { nextId: -2n, largest: undefined }, []],
    [
      'of unsigned numbers',
      { nextId: 1n, largest: 18446744073709551615n },
      [behind('would give 1 next, but the source already has 18446744073709551615')],
      'always',
    ],
    ['without a row', { nextId: undefined }, [behind('has no row')]],
    ['that is yet to be copied', { moves: true, nextId: undefined, largest: 5n }, []],
    [
      'that has been copied',
      { moves: true, nextId: 4n, largest: 5n },
      [behind('would give 4 next, but the source already has 5')],
    ],
    ['that gives none', { refusal: 'no', nextId: undefined, largest: 5n }, [unusable('no')]],
  ])('one %s', (_, changes, says, always) => {
    const checked = (initializeTargetSequences: boolean) => {
      const facts = planned();
      const request = { ...facts.request, input: { ...facts.request.input, initializeTargetSequences } };
      return said(
        ask(['sequence-unusable', 'sequence-behind'], { ...facts, request, sequences: [{ ...sequence, ...changes }] }),
      );
    };
    expect(checked(false)).toEqual(says);
    expect(checked(true)).toEqual(says.filter((text) => always !== undefined || text.startsWith('sequence-unusable')));
  });
});
