import { firstOf } from '../problem/bounded.js';
import type { Place, Problem } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';

/** What the comparison has seen of writes to the source, in milliseconds since 1970. */
export interface SourceWrites {
  /** Since when it has seen each of them. */
  since: number;
  /** By table: when the last one was seen, of those that were seen lately. */
  last: Record<string, number>;
}

/** Seconds without a write after which writers may be said to be quiet, and seconds that are looked back at most. */
export const shortestWatch = 3;
export const longestWatch = 30;

/**
 * The warning of a Complete without a fence, from what the comparison has seen of the source.
 * @param now milliseconds since 1970
 * @returns null when it has not followed the source for long enough
 */
export function lateWritesSeen({ since, last }: SourceWrites, place: Place, now: number): Problem | null {
  const seconds = Math.min(longestWatch, Math.floor((now - since) / 1000));
  if (seconds < shortestWatch) return null;
  const written = Object.keys(last).filter((table) => now - (last[table] ?? 0) <= seconds * 1000);
  return lateWrites(written.sort(), place, seconds);
}

/**
 * The same warning, from a list of tables.
 * @param written tables that applications wrote to while the source was watched
 */
export function lateWrites(written: readonly string[], place: Place, seconds: number): Problem {
  const remedy = 'complete with fenceSource to be sure, or stop the writers before Complete';
  if (written.length > 0) {
    const tables = firstOf(written.map(quoteName));
    const message = `the source still receives writes, and those after the proof are not copied: ${tables}`;
    return { code: 'SOURCE_STILL_WRITTEN', message, place, remedy };
  }
  const message =
    `no table was written to for ${seconds} s, but nothing stops the writers of the source: ` +
    'what they write after the proof is not copied';
  return { code: 'SOURCE_NOT_FENCED', message, place, remedy };
}
