import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BoundedReads } from '../../../src/activities/preflight/bounded-reads.js';
import { MigrationError } from '../../../src/migration/problem/errors.js';

const place = { shard: '0' };
const lost = new MigrationError('TABLET_UNREACHABLE', 'no answer', place, 'look');
const refused = new MigrationError('TABLET_REFUSED', 'no', place, 'look');

/** Work that ends when the test says so. */
function held() {
  let end: () => void = () => undefined;
  const ended = new Promise<string>((resolve) => (end = () => resolve('done')));
  return { work: () => ended, end };
}

describe('bounded reads', () => {
  const quick = { atOnce: 2, betweenTries: 1, timeout: 20 };

  it('are values, or errors with a code; other errors pass through', async () => {
    const reads = new BoundedReads(quick);
    expect(await reads.read(place, () => Promise.resolve(7))).toEqual({ value: 7 });
    expect(await reads.read(place, () => Promise.reject(refused))).toEqual({ unread: refused });
    await expect(reads.read(place, () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });

  it('ask once more when an answer gets lost, and only then', async () => {
    const reads = new BoundedReads(quick);
    const failing = (error: Error) => {
      let calls = 0;
      const answer = reads.read(place, () => (++calls === 1 ? Promise.reject(error) : Promise.resolve(calls)));
      return answer.then((result) => ({ result, calls }));
    };
    expect(await failing(lost)).toEqual({ result: { value: 2 }, calls: 2 });
    expect(await failing(refused)).toEqual({ result: { unread: refused }, calls: 1 });
    let calls = 0;
    expect(await reads.read(place, () => (calls++, Promise.reject(lost)))).toEqual({ unread: lost });
    expect(calls).toBe(2);
  });

  it('are no more at once than their bound', async () => {
    const reads = new BoundedReads({ ...quick, timeout: 1_000 });
    let [running, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
      return running;
    };
    await Promise.all(Array.from({ length: 9 }, () => reads.read(place, work)));
    expect(most).toBe(2);
  });

  it('that take too long are an error of their place, and a signal to those that do the work', async () => {
    const reads = new BoundedReads(quick);
    const hanging = held();
    let signal: AbortSignal | undefined;
    const answer = await reads.read(place, (given) => ((signal = given), hanging.work()));
    expect(answer).toMatchObject({ unread: { code: 'TABLET_UNREACHABLE', place, what: 'no answer within 0.02 s' } });
    expect(signal?.aborted).toBe(true);
    hanging.end();
  });

  it('that take too long hold their slot until their work has ended', async () => {
    const reads = new BoundedReads({ ...quick, atOnce: 1 });
    const hanging = held();
    expect(await reads.read(place, hanging.work)).toHaveProperty('unread');
    let begun = false;
    const next = reads.read(place, () => ((begun = true), Promise.resolve('next')));
    await sleep(40);
    expect(begun).toBe(false);
    hanging.end();
    expect(await next).toEqual({ value: 'next' });
  });
});
