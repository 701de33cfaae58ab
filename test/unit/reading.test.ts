import { describe, expect, it } from 'vitest';
import { migrateInputSchema } from '../../src/migration/input/input.js';
import { readingFrom, withOptions } from '../../src/migration/plan/reading.js';
import { vdiffTablets } from '../../src/migration/proof/vdiff-tablets.js';
import { samplePlan } from '../support/workflow/samples.js';

const input = migrateInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', all: true });
const record = { input, plan: samplePlan() };

describe('options of a running migration', () => {
  it('of its streams are in the input and in the plan, whose other options stay', () => {
    const plan = { ...samplePlan(), stream: { ...samplePlan().stream, deferSecondaryKeys: false } };
    const changed = withOptions({ input, plan }, { tabletTypes: ['PRIMARY'], onDdl: 'EXEC' });
    expect(changed.input).toEqual({ ...input, tabletTypes: ['PRIMARY'], onDdl: 'EXEC' });
    expect(changed.plan).toEqual({ ...plan, stream: { ...plan.stream, tabletTypes: ['PRIMARY'], onDdl: 'EXEC' } });
  });

  it('of its steps leave the plan alone', () => {
    const changed = withOptions(record, { vdiffWaitTime: '2m' });
    expect(changed).toEqual({ input: { ...input, vdiffWaitTime: '2m' }, plan: record.plan });
  });
});

describe('the cells in which streams read', () => {
  const place = { cluster: 'ext1', keyspace: 'load' };

  it('are those that have a tablet now', () => {
    const tabletCells = { '-80': ['b'], '80-': ['a', 'c'] };
    expect(readingFrom(record, tabletCells, place).plan.source.cells).toEqual(['a', 'b', 'c']);
  });

  it('are those that were asked for', () => {
    const asked = { ...record, input: { ...input, cells: ['a', 'b'] } };
    expect(readingFrom(asked, { '-80': ['b'], '80-': ['a', 'c'] }, place).plan.source.cells).toEqual(['a', 'b']);
  });

  it.each([
    { cells: ['b'], where: 'cell b' },
    { cells: undefined, where: 'any cell' },
  ])('have a tablet of every shard ($where)', ({ cells, where }) => {
    const asked = { ...record, input: cells === undefined ? input : { ...input, cells } };
    expect(() => readingFrom(asked, { '-80': ['b'], '80-': [] }, place)).toThrow(
      expect.objectContaining({
        code: 'NO_SOURCE_TABLET',
        message: expect.stringContaining(`no tablet of type REPLICA, PRIMARY in ${where}`) as string,
        place: { ...place, shard: '80-' },
      }) as Error,
    );
  });
});

describe('the tablets that a VDiff reads', () => {
  const behind = 'tablet ext-0000000101 (REPLICA) is 300 s behind its primary';
  it.each([
    { asked: {}, behind: null, again: false, expected: 'in_order:REPLICA,PRIMARY,RDONLY', why: null },
    { asked: {}, behind, again: false, expected: 'in_order:PRIMARY,REPLICA,RDONLY', why: behind },
    { asked: {}, behind: null, again: true, expected: 'in_order:PRIMARY,REPLICA,RDONLY', why: /ended without/ },
    {
      asked: { tabletTypes: ['RDONLY'] },
      behind: null,
      again: false,
      expected: 'in_order:RDONLY,PRIMARY,REPLICA',
      why: null,
    },
    {
      asked: { tabletTypes: ['PRIMARY'] },
      behind,
      again: true,
      expected: 'in_order:PRIMARY,REPLICA,RDONLY',
      why: null,
    },
    { asked: { vdiffTabletTypes: ['RDONLY'] }, behind, again: true, expected: 'in_order:RDONLY', why: null },
  ] as const)('$asked, behind: $behind, again: $again', ({ asked, behind: words, again, expected, why }) => {
    const chosen = vdiffTablets(migrateInputSchema.parse({ ...input, ...asked }), words, again);
    expect(chosen.tabletTypes).toBe(expected);
    if (why instanceof RegExp) expect(chosen.why).toMatch(why);
    else expect(chosen.why).toBe(why);
  });
});
