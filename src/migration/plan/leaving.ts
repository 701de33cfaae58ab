import type { MigrateInput } from '../input/input.js';
import { MigrationError, type Place } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';
import { tableNames, type Plan } from './plan.js';
import type { NameList } from './reference.js';

/** A foreign key between two tables of the target. */
export interface ForeignKey {
  name: string;
  child: string;
  parent: string;
}

/** Where a migration stands after tables have left. */
export interface LeaveReport {
  /** Those that it still has. */
  tables: NameList;
  /** Every table that has left. */
  left: NameList;
}

/** Codes of the errors by which a table may not leave. Each is thrown before anything is touched. */
export const leaveRefusals: ReadonlySet<string> = new Set(['TABLE_NOT_FOUND', 'CANNOT_LEAVE']);
/** The same, and that of a migration that has gone too far. */
export const leaveEnds: ReadonlySet<string> = new Set([...leaveRefusals, 'PAST_NO_RETURN']);

/**
 * Refuses tables that the plan does not have, and all of its tables.
 * @throws MigrationError TABLE_NOT_FOUND, CANNOT_LEAVE
 */
export function refuseUnknown(plan: Plan, tables: readonly string[], place: Place): void {
  const known = new Set(tableNames(plan));
  const unknown = tables.find((table) => !known.has(table));
  if (unknown !== undefined)
    throw new MigrationError(
      'TABLE_NOT_FOUND',
      `table ${quoteName(unknown)} is not in the migration`,
      { ...place, table: unknown },
      'vtmigrate Workflow Show lists its tables; nothing has been changed',
    );
  if (new Set(tables).size === known.size)
    throw new MigrationError(
      'CANNOT_LEAVE',
      'these are all of its tables: a migration keeps at least one',
      place,
      'cancel the migration instead: vtmigrate Migrate Cancel',
    );
}

/**
 * Refuses a table that one which stays references.
 * @param keys those of the tables that stay
 * @throws MigrationError CANNOT_LEAVE, naming the child
 */
export function refuseReferenced(keys: readonly ForeignKey[], tables: readonly string[], place: Place): void {
  const key = keys.find(({ child, parent }) => tables.includes(parent) && !tables.includes(child));
  if (key === undefined) return;
  const [child, parent] = [quoteName(key.child), quoteName(key.parent)];
  throw new MigrationError(
    'CANNOT_LEAVE',
    `foreign key ${quoteName(key.name)} of table ${child} references ${parent}, and ${child} stays`,
    { ...place, table: key.parent },
    `let ${child} leave as well, or drop its foreign key on the target; nothing has been changed`,
  );
}

/** The plan without some of its tables. The streams stay those that were made. */
export function planWithout(plan: Plan, tables: readonly string[]): Plan {
  return {
    ...plan,
    tables: plan.tables.filter(({ name }) => !tables.includes(name)),
    missingTables: namesWithout(plan.missingTables, tables),
    missingInVSchema: plan.missingInVSchema.filter((name) => !tables.includes(name)),
  };
}

/** The input that asks for the same without some of the tables. */
export function inputWithout(input: MigrateInput, tables: readonly string[]): MigrateInput {
  const without = (names: readonly string[]) => names.filter((name) => !tables.includes(name));
  const repairFloats = without(input.repairFloats);
  if (input.tables !== undefined) return { ...input, repairFloats, tables: without(input.tables) };
  return { ...input, repairFloats, exclude: [...new Set([...input.exclude, ...tables])] };
}

/** Lists of tables by shard, without some tables. */
export function namesWithout(
  byShard: Record<string, readonly string[]>,
  tables: readonly string[],
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(byShard).map(([shard, names]) => [shard, names.filter((name) => !tables.includes(name))]),
  );
}

/** Of lists of tables by shard, only some tables. */
export function namesAmong(
  byShard: Record<string, readonly string[]>,
  tables: readonly string[],
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(byShard).flatMap(([shard, names]) => {
      const among = names.filter((name) => tables.includes(name));
      return among.length === 0 ? [] : [[shard, among]];
    }),
  );
}
