import { diffLines } from 'diff';
import type { Place } from '../problem/errors.js';
import { sameDefinition, withoutPartitions } from '../sql/definition.js';
import type { Gap } from './gaps.js';

/** A table's definition by its name, as Vitess's GetSchema gives it. */
export type Definitions = Record<string, string>;

/** Characters of a difference that a gap shows: a history holds many gaps. */
const longestDifference = 2_000;

/**
 * Tables of the source whose definition is no longer the one that Create saw. A change that has been
 * made on every target shard as well is no gap.
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
    const drift = (message: string, remedy: string): Gap[] => [
      { code: 'SCHEMA_DRIFT', message, place: { ...place, table }, remedy },
    ];
    if (now === undefined)
      return drift(
        'the table has been dropped or renamed in the source since Create',
        'let it leave the migration (vtmigrate Migrate -tables <table> Leave, or Complete with -leave_tables), ' +
          'or bring it back under its name',
      );
    if (targets.length > 0 && targets.every((target) => sameDefinition(target[table], now))) return [];
    const rows = withoutPartitions(now);
    if (sameDefinition(withoutPartitions(ddl), rows) && targets.every((target) => hasRowsOf(target[table], rows)))
      return [partitionsDiffer(table, ddl, now, place)];
    return drift(
      `the definition has changed in the source since Create (- then, + now):\n${changedLines(ddl, now)}\n`,
      "make the same change on the target's table, or cancel and create again; afterwards the rows are compared anew",
    );
  });
}

function hasRowsOf(target: string | undefined, definition: string): boolean {
  return target !== undefined && sameDefinition(withoutPartitions(target), definition);
}

/** Partitions are where rows lie, not what they are. */
function partitionsDiffer(table: string, before: string, now: string, place: Place): Gap {
  return {
    code: 'PARTITIONS_DIFFER',
    message:
      'only the partitions have changed in the source since Create (- then, + now):\n' +
      `${changedLines(before, now)}\n`,
    place: { ...place, table },
    remedy:
      "make the same change on the target's table, or accept what is there: Complete with acceptRows. " +
      'Streams with on-ddl EXEC_IGNORE make such changes by themselves',
  };
}

/** The lines that differ, in order: `-` for removed ones and `+` for new ones. */
function changedLines(before: string, now: string): string {
  const changed = diffLines(before, now).filter((part) => part.added || part.removed);
  const text = changed
    .flatMap((part) =>
      part.value
        .trimEnd()
        .split('\n')
        .map((line) => `${part.added ? '+' : '-'} ${line}`),
    )
    .join('\n');
  return text.length <= longestDifference ? text : `${text.slice(0, longestDifference)}…`;
}
