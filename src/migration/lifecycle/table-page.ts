import type { CopyTotals, Look, TableObservation } from '../watch/observation.js';
import { totalsOf } from '../watch/observation.js';

/** Tables of one page: of a size that Temporal and a person can take. */
export const tablesPerPage = 250;

/** Some of the tables of a migration as they are now, in the order of its plan. */
export interface TablePage {
  /** ISO 8601 */
  at: string;
  /** From 1. */
  page: number;
  pages: number;
  /** Of all tables. */
  totals: CopyTotals;
  /** None on a page after the last one. */
  tables: TableObservation[];
}

/** One page of all that a look has shown. */
export function pageOf({ at, tables }: Pick<Look, 'at' | 'tables'>, page: number): TablePage {
  const from = (page - 1) * tablesPerPage;
  return {
    at,
    page,
    pages: Math.max(1, Math.ceil(tables.length / tablesPerPage)),
    totals: totalsOf(tables),
    tables: tables.slice(from, from + tablesPerPage),
  };
}
