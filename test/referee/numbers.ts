import { delicate } from './delicate.js';
import type { Kind } from './kinds.js';
import type { Random } from './random.js';

const sizes = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 } as const;

function integer(random: Random): Kind {
  const name = random.pick(Object.keys(sizes) as (keyof typeof sizes)[]);
  const unsigned = random.chance(0.5);
  const width = name === 'tinyint' && !unsigned && random.chance(0.3) ? '(1)' : '';
  const type = `${name}${width}${unsigned ? ' unsigned' : ''}${unsigned && random.chance(0.1) ? ' zerofill' : ''}`;
  const bits = sizes[name];
  const least = unsigned ? 0n : -(2n ** BigInt(bits - 1));
  const most = least + 2n ** BigInt(bits) - 1n;
  return { type, value: (r) => integerBetween(r, least, most), key: true, vindex: 'xxhash' };
}

/** The ends often, near the ends, and anything between. */
function integerBetween(random: Random, least: bigint, most: bigint): string {
  const offset = BigInt(random.int(0, 100));
  const between = least + (random.bits(64) % (most - least + 1n));
  return String(random.pick([least, most, most - offset, least + offset, least < 0n ? -offset : offset, between]));
}

function decimal(random: Random): Kind {
  const [digits, scale] = random.pick([
    [65, 30],
    [65, 0],
    [30, 30],
    [1, 0],
    [10, 2],
    [20, 19],
    [38, 9],
  ] as const);
  const some = (r: Random, count: number) => Array.from({ length: count }, () => r.int(0, 9)).join('');
  const whole = (r: Random) => some(r, r.pick([0, 1, digits - scale])).slice(0, digits - scale) || '0';
  const value = (r: Random) =>
    r.pick([
      `${r.pick(['', '-'])}${whole(r)}${scale > 0 ? `.${some(r, scale)}` : ''}`,
      `-${'9'.repeat(digits - scale) || '0'}${scale > 0 ? `.${'9'.repeat(scale)}` : ''}`,
      scale > 0 ? `0.${'0'.repeat(scale - 1)}1` : '0',
    ]);
  return { type: `decimal(${digits},${scale})`, value, key: true };
}

const doubles = ['1.7976931348623157e308', '-1.7976931348623157e308', '2.2250738585072014e-308'];
const more = ['5e-324', '-5e-324', '0.1', '1e15', '123456789.123456789e0', '9007199254740993', '1e22', '1e23'];

function anyDouble(random: Random): string {
  const number = random.bytes(8).readDoubleLE();
  return Number.isFinite(number) ? `${number}`.replace(/^[^e]*$/, '$&e0') : '0';
}

function double(random: Random): Kind {
  const zero = random.chance(delicate) ? '-0e0' : '0';
  return {
    type: 'double',
    value: (r) => (r.chance(0.5) ? r.pick([zero, ...doubles, ...more]) : anyDouble(r)),
  };
}

function bit(random: Random): Kind {
  const length = random.pick([1, 7, 8, 9, 32, 63, 64]);
  const value = (r: Random) => `b'${r.pick([r.bits(length), 2n ** BigInt(length) - 1n, 0n]).toString(2)}'`;
  return { type: `bit(${length})`, value, key: length > 8 };
}

function year(): Kind {
  return { type: 'year', value: (r) => r.pick(['0', '1901', '2155', String(r.int(1901, 2155))]), key: true };
}

/** Integers often: they are most keys. */
export const numberKinds = [integer, integer, decimal, double, bit, year];
