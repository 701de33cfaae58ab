import type { Kind } from './kinds.js';
import type { Random } from './random.js';

const pad = (number: number, length = 2): string => String(number).padStart(length, '0');

function fraction(random: Random, digits: number): string {
  if (digits === 0) return '';
  return `.${random.pick(['0'.repeat(digits), '9'.repeat(digits), pad(random.int(0, 10 ** digits - 1), digits)])}`;
}

const day = (r: Random, from: number, to: number): string =>
  `${pad(r.int(from, to), 4)}-${pad(r.int(1, 12))}-${pad(r.int(1, 28))}`;
const clock = (r: Random): string => `${pad(r.int(0, 23))}:${pad(r.int(0, 59))}:${pad(r.int(0, 59))}`;

/** Dates that only a lax `sql_mode` lets in are among them: a strict session refuses the row. */
const dates = ['1000-01-01', '9999-12-31', '0000-00-00', '2024-02-29', '0001-01-01', '2024-00-00', '1582-10-10'];

function date(): Kind {
  return { type: 'date', value: (r) => `'${r.chance(0.3) ? r.pick(dates) : day(r, 1, 9999)}'`, key: true };
}

function time(random: Random): Kind {
  const digits = random.int(0, 6);
  const value = (r: Random) => {
    const ends = [`-838:59:59`, `838:59:59`, '00:00:00', '-00:00:00'];
    if (r.chance(0.4)) return `'${r.pick(ends)}'`;
    return `'${r.pick(['', '-'])}${r.int(0, 837)}:${pad(r.int(0, 59))}:${pad(r.int(0, 58))}${fraction(r, digits)}'`;
  };
  return { type: `time(${digits})`, value, key: true };
}

function datetime(random: Random): Kind {
  const digits = random.int(0, 6);
  const value = (r: Random) => {
    const ends = [`1000-01-01 00:00:00`, `9999-12-31 23:59:59${fraction(r, digits)}`, '0000-00-00 00:00:00'];
    return `'${r.chance(0.3) ? r.pick(ends) : `${day(r, 1000, 9998)} ${clock(r)}${fraction(r, digits)}`}'`;
  };
  return { type: `datetime(${digits})`, value, key: true };
}

function timestamp(random: Random): Kind {
  const digits = random.int(0, 6);
  const value = (r: Random) => {
    const ends = ['1970-01-01 00:00:01', '2038-01-19 03:14:07', '2026-03-29 02:30:00', '0000-00-00 00:00:00'];
    return `'${r.chance(0.3) ? r.pick(ends) : `${day(r, 1971, 2037)} ${clock(r)}${fraction(r, digits)}`}'`;
  };
  return { type: `timestamp(${digits})`, value, key: true };
}

export const timeKinds = [date, time, datetime, timestamp];
