import { describe, expect, it, test } from 'vitest';
import { isHours, isWithin } from '../../src/migration/input/hours.js';

describe('hours of the day', () => {
  test.each([
    'always',
    '22:00-06:00',
    '00:00-23:59',
    '08:30-12:00 Europe/Berlin',
    '22:00-06:00 America/Argentina/Salta',
  ])('are %s', (text) => {
    expect(isHours(text)).toBe(true);
  });

  test.each([
    '',
    'never',
    '22-6',
    '24:00-06:00',
    '22:60-06:00',
    '22:00-22:00',
    '22:00–06:00',
    ' 22:00-06:00',
    '22:00-06:00 Mars/Olympus',
    '22:00-06:00 ../etc',
    '22:00-06:00,08:00-09:00',
  ])('are not %j', (text) => {
    expect(isHours(text)).toBe(false);
  });

  const at = (text: string) => new Date(text);

  it('begin with their first minute and end before their last', () => {
    const within = (time: string) => isWithin('08:30-12:00', at(`2026-11-30T${time}Z`));
    expect(['08:29:59', '08:30:00', '11:59:59', '12:00:00'].map(within)).toEqual([false, true, true, false]);
  });

  it('may go over midnight', () => {
    const within = (time: string) => isWithin('22:00-06:00', at(`2026-11-30T${time}Z`));
    expect(['21:59', '22:00', '00:00', '05:59', '06:00', '12:00'].map(within)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('are those of their time zone, in summer as well', () => {
    const within = (moment: string) => isWithin('22:00-06:00 Europe/Berlin', at(moment));
    expect(within('2026-01-15T21:00:00Z')).toBe(true);
    expect(within('2026-01-15T20:30:00Z')).toBe(false);
    expect(within('2026-07-15T20:30:00Z')).toBe(true);
    expect(within('2026-07-15T04:30:00Z')).toBe(false);
  });

  it('are always all', () => {
    expect(isWithin('always', new Date())).toBe(true);
  });
});
