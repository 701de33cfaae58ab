/** The bounds of a key range in hex; an empty `end` has no upper bound. Vitess ignores trailing zero bytes. */
function boundsOf(keyRange: string): { start: string; end: string } {
  const [start = '', end = ''] = keyRange.split('-').map((bound) => bound.replace(/(00)+$/, ''));
  return { start, end };
}

/** True when some keyspace ID is in both ranges (`key.KeyRangeIntersect` of Vitess). */
export function rangesMeet(a: string, b: string): boolean {
  const [one, other] = [boundsOf(a), boundsOf(b)];
  return (one.end === '' || other.start < one.end) && (other.end === '' || one.start < other.end);
}

/** True when the same keyspace IDs are in both ranges (`key.KeyRangeEqual` of Vitess). */
export function rangesEqual(a: string, b: string): boolean {
  const [one, other] = [boundsOf(a), boundsOf(b)];
  return one.start === other.start && one.end === other.end;
}
