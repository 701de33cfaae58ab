import { describe, expect, it, test } from 'vitest';
import {
  canBeHeldBack,
  heldBackMessage,
  isHeldBack,
  lanesToCopy,
  reasonToHoldBack,
  type CopyLimits,
  type Load,
  type Reason,
} from '../../src/migration/watch/holding-back.js';

const noLimits: CopyLimits = { lagSeconds: null, threads: null, hours: 'always' };
const noon = new Date('2026-11-30T12:00:00Z');
const load = (changes: Partial<Load> = {}): Load => ({ alias: 'ext-100', threads: 3, lagSeconds: 0, ...changes });
const reason = (limits: Partial<CopyLimits>, loads: Load[], throttled: string | null = null) =>
  reasonToHoldBack({ ...noLimits, ...limits }, loads, throttled, noon);

describe('a copy is held back', () => {
  test.each<[string, Partial<CopyLimits>, Load[], Reason | null]>([
    ['by nothing on servers at rest', {}, [load(), load({ lagSeconds: 10, threads: 25 })], null],
    [
      'by many threads',
      {},
      [load({ threads: 26 })],
      { why: '26 threads are at work in the MySQL of ext-100', least: 1 },
    ],
    ['by lag', {}, [load(), load({ alias: 'r', lagSeconds: 11 })], { why: 'replica r is 11 s behind', least: 1 }],
    [
      'altogether above a limit that a person has set',
      { threads: 5 },
      [load({ threads: 6 })],
      { why: '6 threads are at work in the MySQL of ext-100', least: 0 },
    ],
    ['not by what a person allows', { threads: 100, lagSeconds: 60 }, [load({ threads: 90, lagSeconds: 60 })], null],
    [
      'by the usual limit of what a person has not limited',
      { threads: 100 },
      [load({ lagSeconds: 11 })],
      { why: 'replica ext-100 is 11 s behind', least: 1 },
    ],
    ['outside its hours', { hours: '22:00-06:00' }, [load()], { why: 'the copy may run 22:00-06:00 only', least: 0 }],
    ['not within them', { hours: '06:00-22:00' }, [load()], null],
  ])('%s', (_what, limits, loads, expected) => {
    expect(reason(limits, loads)).toEqual(expected);
  });

  it('by the tablet throttler, which leaves a lane', () => {
    expect(reason({}, [load()], 'stream 3 is throttled (vcopier)')).toEqual({
      why: 'stream 3 is throttled (vcopier)',
      least: 1,
    });
  });

  it('only where there is a lane to spare, or a person has said so', () => {
    expect(canBeHeldBack(noLimits, 1)).toBe(false);
    expect(canBeHeldBack(noLimits, 2)).toBe(true);
    for (const limits of [{ threads: 5 }, { lagSeconds: 5 }, { hours: '22:00-06:00' }])
      expect(canBeHeldBack({ ...noLimits, ...limits }, 1)).toBe(true);
  });
});

describe('so many lanes copy', () => {
  const busy = (least: 0 | 1): Reason => ({ why: 'busy', least });

  /** From look to look, until nothing changes any more. */
  function course(copying: number, unfinished: number, why: Reason | null, calmMs: number): number[] {
    const next = lanesToCopy({ copying, unfinished }, why, calmMs);
    return next === copying ? [copying] : [copying, ...course(next, unfinished, why, calmMs)];
  }

  it('half as many at each look with a reason to hold back, down to what is left to them', () => {
    expect(course(8, 8, busy(1), 0)).toEqual([8, 4, 2, 1]);
    expect(course(8, 8, busy(0), 0)).toEqual([8, 4, 2, 1, 0]);
    expect(course(7, 8, busy(1), 0)).toEqual([7, 3, 1]);
    expect(course(0, 3, busy(0), 0)).toEqual([0]);
  });

  it('one after the other where one may copy in spite of the reason', () => {
    expect(course(0, 3, busy(1), 0)).toEqual([0, 1]);
    expect(course(0, 0, busy(1), 0)).toEqual([0]);
  });

  it('one more after each half minute without one, up to all that have something to copy', () => {
    expect(course(0, 3, null, 30_000)).toEqual([0, 1, 2, 3]);
    expect(course(1, 3, null, 29_999)).toEqual([1]);
    expect(course(3, 3, null, 60_000)).toEqual([3]);
  });
});

it('a stream that is held back says why', () => {
  const message = heldBackMessage('replica r is 11 s behind');
  expect(message).toBe('held back by vtmigrate: replica r is 11 s behind');
  expect(isHeldBack({ state: 'Stopped', message })).toBe(true);
  expect(isHeldBack({ state: 'Running', message })).toBe(false);
  expect(isHeldBack({ state: 'Stopped', message: 'paused by vtmigrate' })).toBe(false);
});
