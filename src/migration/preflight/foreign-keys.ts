import { tableNames } from '../plan/plan.js';
import type { Place } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';
import type { Facts } from './facts.js';
import { sourcePlace, tablesOf } from './tables.js';

/** Actions by which a foreign key changes rows itself. */
const changing = new Set(['CASCADE', 'SET NULL', 'SET DEFAULT']);

/** A foreign key of a planned table. */
export interface PlannedForeignKey {
  /** `foreign key fk of table child references parent` */
  what: string;
  place: Place;
  /** True when the table that it references is moved as well. */
  isMoved: boolean;
  /** Actions by which it changes rows itself. */
  actions: string[];
}

/** Every foreign key of the planned tables in the source. */
export function foreignKeysOf({ plan, sourceDetails }: Pick<Facts, 'plan' | 'sourceDetails'>): PlannedForeignKey[] {
  const moved = new Set(tableNames(plan));
  return tablesOf(sourceDetails).flatMap((table) =>
    table.foreignKeys.map(({ name, references, onUpdate, onDelete }) => ({
      what: `foreign key ${quoteName(name)} of table ${quoteName(table.name)} references ${quoteName(references)}`,
      place: sourcePlace(plan, { table: table.name }),
      isMoved: moved.has(references),
      actions: [...new Set([onUpdate, onDelete].filter((action) => changing.has(action)))],
    })),
  );
}

/** Every foreign key that the tables of the target are to have. */
export function keptForeignKeysOf(facts: Pick<Facts, 'plan' | 'sourceDetails'>): PlannedForeignKey[] {
  return facts.plan.dropForeignKeys === true ? [] : foreignKeysOf(facts);
}
