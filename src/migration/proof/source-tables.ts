import type { Problem } from '../problem/errors.js';
import type { SourceTables } from '../input/input.js';

/** What came of the source's tables. */
export interface Retirement {
  /** What was done; `keep` also where something else was asked for and could not be done safely. */
  done: SourceTables;
  /** Why they were kept although something else was asked for. */
  kept: Problem | null;
}

/** The name MoveTables gives to a table it retires (`renameTableTemplate`): at most 64 characters. */
export function retiredName(table: string): string {
  return `_${Array.from(table).slice(0, 59).join('')}_old`;
}

/** A table whose retired name is that of a table before it as well; undefined when there is none. */
export function sharesRetiredName(tables: readonly string[]): string | undefined {
  const before = new Set<string>();
  return tables.find((table) => {
    const isShared = before.has(retiredName(table));
    before.add(retiredName(table));
    return isShared;
  });
}
