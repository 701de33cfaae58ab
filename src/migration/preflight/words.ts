/** Items that are shown of a list. */
const shown = 8;

/** The items, joined by commas; only the first of a long list. */
export function list(items: readonly string[]): string {
  return items.length <= shown
    ? items.join(', ')
    : `${items.slice(0, shown).join(', ')} and ${items.length - shown} more`;
}
