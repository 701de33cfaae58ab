/** Temporal's histories and the query `status` hold no more than a person reads: lists and texts of a bounded size. */

/** A text, cut where it is longer than `most` characters. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/** Bytes of a value as Temporal stores it. */
export function bytesOf(value: unknown): number {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 0 : new TextEncoder().encode(text).length;
}

/** The first of some values: as many as fit into `bytes`, and no more than `most`. */
export function fitting<T>(values: readonly T[], most: number, bytes: number): T[] {
  let room = bytes;
  const first = values.slice(0, most);
  const end = first.findIndex((value) => (room -= bytesOf(value)) < 0);
  return end < 0 ? first : first.slice(0, end);
}

/** Characters that a message has at least, however many there are. */
const shortestMessage = 120;

/** The same with shorter messages where there are many: in all about as many `characters`. */
export function withShortMessages<T extends { message: string }>(problems: readonly T[], characters: number): T[] {
  const each = Math.max(shortestMessage, Math.floor(characters / Math.max(1, problems.length)));
  return problems.map((problem) => ({ ...problem, message: shortened(problem.message, each) }));
}

/** Names that a message holds, unless it has reason to hold fewer. */
const namesShown = 20;

/** `a, b and 3 more` */
export function firstOf(names: readonly string[], shown = namesShown): string {
  const rest = names.length - shown;
  return `${names.slice(0, shown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
