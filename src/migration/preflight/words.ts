import { firstOf } from '../problem/bounded.js';

/** Items that are shown of a list. */
const shown = 8;

/** The items, joined by commas; only the first of a long list. */
export function list(items: readonly string[]): string {
  return firstOf(items, shown);
}
