import { expect, it } from 'vitest';
import { lateWritesSeen } from '../../src/migration/proof/late-writes.js';

const now = Date.parse('2026-11-01T12:00:00Z');
const ago = (seconds: number) => now - seconds * 1000;
const place = { cluster: 'ext1', keyspace: 'load' };

it.each([
  { since: 2.9, last: {}, says: null },
  { since: 2.9, last: { a: 1 }, says: null },
  { since: 3, last: {}, says: /^no table was written to for 3 s, / },
  { since: 12.7, last: {}, says: /^no table was written to for 12 s, / },
  { since: 86_400, last: {}, says: /^no table was written to for 30 s, / },
  { since: 86_400, last: { b: 30, a: 1, c: 30.1 }, says: /still receives writes.*: a, b$/ },
  { since: 5, last: { 'a b': 4 }, says: /still receives writes.*: `a b`$/ },
])('followed for $since s, with writes $last s ago', ({ since, last, says }) => {
  const times = Object.entries(last).map(([table, seconds]) => [table, ago(seconds)] as const);
  const found = lateWritesSeen({ since: ago(since), last: Object.fromEntries(times) }, place, now);
  if (says === null) expect(found).toBeNull();
  else expect(found).toMatchObject({ message: expect.stringMatching(says) as string, place });
});
