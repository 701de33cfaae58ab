import type { Place, Problem } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';

/**
 * The warning of a Complete without a fence.
 * @param written tables that applications wrote to while the source was watched
 */
export function lateWrites(written: readonly string[], place: Place, seconds: number): Problem {
  const remedy = 'complete with fenceSource to be sure, or stop the writers before Complete';
  if (written.length > 0) {
    const tables = written.map(quoteName).join(', ');
    const message = `the source still receives writes, and those after the proof are not copied: ${tables}`;
    return { code: 'SOURCE_STILL_WRITTEN', message, place, remedy };
  }
  const message =
    `no table was written to for ${seconds} s, but nothing stops the writers of the source: ` +
    'what they write after the proof is not copied';
  return { code: 'SOURCE_NOT_FENCED', message, place, remedy };
}
