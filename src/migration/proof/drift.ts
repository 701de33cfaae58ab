import { diffLines } from 'diff';
import type { Place } from '../problem/errors.js';
import { sameDefinition } from '../sql/definition.js';
import type { Gap } from './gaps.js';

/** A table's definition by its name, as Vitess's GetSchema gives it. */
export type Definitions = Record<string, string>;

/**
 * Tables of the source whose definition is no longer the one Create saw. One that the target has in
 * the meantime in the same form is no gap: then the change has been made on both sides.
 *
 * @param before what Create saw
 * @param source what the source has now; a table that is not in it has been dropped
 * @param targets what each target shard has now
 */
export function driftGaps(
  before: Definitions,
  source: Definitions,
  targets: readonly Definitions[],
  place: Place,
): Gap[] {
  return Object.entries(before).flatMap(([table, ddl]): Gap[] => {
    const now = Object.hasOwn(source, table) ? source[table] : undefined;
    if (now === ddl) return [];
    if (now === undefined)
      return [
        {
          code: 'SCHEMA_DRIFT',
          message: 'the table has been dropped or renamed in the source since Create',
          place: { ...place, table },
        },
      ];
    if (targets.length > 0 && targets.every((target) => sameDefinition(target[table], now))) return [];
    const message = `the definition has changed in the source since Create (- then, + now):\n${changedLines(ddl, now)}\nmake the same change on the target's table, or cancel and create again; the rows are compared once more afterwards`;
    return [{ code: 'SCHEMA_DRIFT', message, place: { ...place, table } }];
  });
}

/** The lines that differ, `-` for those that are gone and `+` for new ones, in the order of the definitions. */
function changedLines(before: string, now: string): string {
  const changed = diffLines(before, now).filter((part) => part.added || part.removed);
  return changed
    .flatMap((part) =>
      part.value
        .trimEnd()
        .split('\n')
        .map((line) => `${part.added ? '+' : '-'} ${line}`),
    )
    .join('\n');
}
