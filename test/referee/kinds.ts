import type { Random } from './random.js';
import { numberKinds } from './numbers.js';
import { stringKinds } from './strings.js';
import { timeKinds } from './times.js';
import { otherKinds } from './others.js';

/** A column type with its values. */
export interface Kind {
  /** As in `CREATE TABLE`. */
  type: string;
  /** An expression of SQL whose value fits the type. */
  value: (random: Random) => string;
  /** It can be part of a key. */
  key?: boolean;
  /** A vindex that suits a column of this type. */
  vindex?: 'xxhash' | 'unicode_loose_xxhash';
  /** What a key or an index has instead of the bare column. */
  prefix?: number;
  /** Columns that partitioned tables cannot have. */
  spatial?: boolean;
}

const families = [...numberKinds, ...stringKinds, ...stringKinds, ...timeKinds, ...otherKinds];

/** Vitess's copy rounds FLOAT, so it is rare: a difference that everybody knows would hide the others. */
const float: Kind = {
  type: 'float',
  value: (random) => random.pick(['0', '-0e0', '0.1', '1.5', '16777217', '3.402823466e38', '1.4e-45', '123.456789']),
  key: true,
};

export function randomKind(random: Random): Kind {
  return random.chance(0.01) ? float : random.pick(families)(random);
}

/** Preflight refuses FLOAT in keys: it is rare there as well. */
export function randomKeyKind(random: Random): Kind {
  if (random.chance(0.01)) return float;
  for (;;) {
    const kind = random.pick(families)(random);
    if (kind.key === true) return kind;
  }
}
