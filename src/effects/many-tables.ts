/**
 * Tables that one statement drops or renames. A call has a minute, and a disk that needs half a second for each is
 * slow.
 */
const atOnce = 100;
/** Tables after which a tablet loads what has changed: Vitess gives it 30 seconds for all that it does not know. */
const loadedAtOnce = 1_000;

/** The items in their order, as many in each batch as one statement changes. */
export function batchesOf<T>(items: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let from = 0; from < items.length; from += atOnce) batches.push(items.slice(from, from + atOnce));
  return batches;
}

/** Makes a tablet load what is changed of its tables: not after each of them, and not too many at once. */
export class Loading {
  private changed = 0;

  constructor(private readonly load: () => Promise<void>) {}

  /** To be called before so many tables are changed. */
  async before(tables: number): Promise<void> {
    if (this.changed > 0 && this.changed + tables > loadedAtOnce) await this.end();
    this.changed += tables;
  }

  /** To be called in the end, also when nothing was changed: an earlier attempt may have ended before this line. */
  async end(): Promise<void> {
    await this.load();
    this.changed = 0;
  }
}
