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
