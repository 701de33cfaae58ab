import { delicate } from './delicate.js';
import type { Kind } from './kinds.js';
import type { Random } from './random.js';
import { textLiteral } from './strings.js';

/** Members that need quoting; none has a comma, which SET does not allow. */
const members = ["it's", 'two words', 'dou"ble', 'back\\slash', 'ünï', '表', 'per%cent', '1', '0', 'NULL', ' lead'];

/** @param empty the probability that `''` is a member */
function memberList(random: Random, most: number, empty: number): string[] {
  const chosen = random.some(members, random.int(1, members.length));
  if (random.chance(delicate)) chosen.push('🙂');
  if (random.chance(empty)) chosen.splice(random.int(0, chosen.length), 0, '');
  const filled = random.chance(0.3) ? most : chosen.length;
  return [...chosen, ...Array.from({ length: most }, (_, i) => `m${i}`)].slice(0, filled);
}

const quoted = (list: readonly string[]): string =>
  list.map((each) => `'${each.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`).join(',');

/** By number, for `''` may be a member. */
function enumeration(random: Random): Kind {
  const list = memberList(random, 300, 0.2);
  return {
    type: `enum(${quoted(list)}) character set utf8mb4`,
    value: (r) => String(r.int(1, list.length)),
    key: true,
  };
}

function set(random: Random): Kind {
  const list = memberList(random, random.chance(delicate) ? 64 : 63, delicate);
  const full = 2n ** BigInt(list.length) - 1n;
  return {
    type: `set(${quoted(list)}) character set utf8mb4`,
    value: (r) => String(r.pick([0n, full, r.bits(list.length)])),
    key: false,
  };
}

const scalars = ['null', 'true', '""', '0', '1.5', '18446744073709551615', '-9223372036854775808', '1e300', '1e-7'];
const texts = ['a', "it's", 'q"q', 'back\\slash', '表🙂', '\u0000', '\n', '</script>', '2024-01-01'];

function document(random: Random, depth: number): string {
  const inner = (): string => document(random, depth - 1);
  const shape = depth === 0 ? 0 : random.int(0, 3);
  if (shape < 2) return random.chance(0.5) ? random.pick(scalars) : JSON.stringify(random.pick(texts));
  if (shape === 2) return `[${Array.from({ length: random.int(0, 4) }, inner).join(', ')}]`;
  return `{${random
    .some(texts, random.int(0, 4))
    .map((key) => `${JSON.stringify(key)}: ${inner()}`)
    .join(', ')}}`;
}

/** Numbers and times that are not what a JSON text says: MySQL keeps decimals in documents. */
const inexact = [
  "_utf8mb4 '[-0.0]'",
  '_utf8mb4 \'{"": true}\'',
  "json_object('d', cast('1.10' as decimal(5,2)))",
  "json_array(cast('2024-01-01' as date))",
];

function json(random: Random): Kind {
  const rare = random.chance(delicate);
  return {
    type: 'json',
    value: (r) => (rare && r.chance(0.5) ? r.pick(inexact) : textLiteral(document(r, r.int(0, 4)))),
  };
}

const shapes: Record<string, (point: () => string) => string> = {
  point: (p) => `POINT(${p()})`,
  linestring: (p) => `LINESTRING(${p()}, ${p()})`,
  polygon: () => 'POLYGON((0 0, 0 10, 10 10, 10 0, 0 0), (2 2, 2 4, 4 4, 4 2, 2 2))',
  multipoint: (p) => `MULTIPOINT(${p()}, ${p()})`,
  geometrycollection: (p) => `GEOMETRYCOLLECTION(POINT(${p()}), LINESTRING(${p()}, ${p()}))`,
};

function spatial(random: Random): Kind {
  const type = random.pick(['geometry', ...Object.keys(shapes)]);
  const srid = random.pick(['', ' srid 0', ' srid 4326']);
  const value = (r: Random) => {
    const shape = shapes[type] ?? shapes[r.pick(Object.keys(shapes))];
    const point = () =>
      `${r.pick([r.int(-89, 89), 0.1, 12.345678901234567])} ${r.pick([r.int(-179, 179), -0.5, 1e-10])}`;
    const number = srid === '' ? r.pick([0, 4326]) : srid.replace(' srid ', '');
    return `st_geomfromtext('${shape?.(point) ?? ''}', ${number})`;
  };
  return { type: `${type}${srid}`, value, spatial: true };
}

function vector(random: Random): Kind {
  const length = random.pick([1, 3, 16]);
  const value = (r: Random) =>
    `to_vector('[${Array.from({ length }, () => r.pick(['0', '-0.5', '1e-30', '3.4e38', '0.1', String(r.int(-99, 99))])).join(',')}]')`;
  return { type: `vector(${length})`, value };
}

export const otherKinds = [enumeration, set, json, spatial, vector];
