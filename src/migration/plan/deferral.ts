import { quoteName } from '../sql/quote.js';
import { parseDefinition, type DefinedKey, type TableDefinition } from '../sql/table-definition.js';

/** A secondary key that a stream cannot drop for the time of the copy, and what needs it. */
export interface NeededKey {
  table: string;
  key: string;
  neededBy: string;
}

/**
 * The secondary keys of tables that MySQL does not let a stream drop. Vitess keeps the primary key, FULLTEXT keys, and
 * those over exactly the columns of a foreign key of their table (`getTableSecondaryKeys`), and drops all others.
 */
export function neededKeys(tables: readonly { name: string; ddl: string }[]): NeededKey[] {
  const definitions = tables.map(({ name, ddl }) => ({ name, definition: parseDefinition(ddl) }));
  const needsOf = foreignNeeds(definitions);
  return definitions.flatMap(({ name, definition }) => {
    const kept = definition.keys.filter((key) => isKept(key, definition));
    const dropped = definition.keys.filter((key) => !kept.includes(key));
    const needs = [
      ...counterNeeds(definition),
      ...definition.foreignKeys.map((own) => ({ columns: own.columns, by: `foreign key ${quoteName(own.name)}` })),
      ...(needsOf.get(name) ?? []),
    ];
    return needs.flatMap(({ columns, by }) => {
      const key = dropped.find((each) => beginsWith(each, columns));
      if (key === undefined || kept.some((each) => beginsWith(each, columns))) return [];
      return [{ table: name, key: key.name, neededBy: by }];
    });
  });
}

/** Columns by which rows are found, and what does so. */
interface Need {
  columns: string[];
  by: string;
}

/** What the foreign keys of all tables need of each. */
function foreignNeeds(tables: readonly { name: string; definition: TableDefinition }[]): Map<string, Need[]> {
  const needs = new Map<string, Need[]>();
  for (const { name, definition } of tables) {
    for (const { name: key, references, referenced } of definition.foreignKeys) {
      const need = { columns: referenced, by: `foreign key ${quoteName(key)} of table ${quoteName(name)}` };
      const known = needs.get(references);
      if (known === undefined) needs.set(references, [need]);
      else known.push(need);
    }
  }
  return needs;
}

function counterNeeds({ counter }: TableDefinition): Need[] {
  return counter === undefined ? [] : [{ columns: [counter], by: `the AUTO_INCREMENT column ${quoteName(counter)}` }];
}

function isKept({ kind, parts }: DefinedKey, { foreignKeys }: TableDefinition): boolean {
  const own = lowered(parts.map(({ column }) => column));
  return kind === 'primary' || kind === 'fulltext' || foreignKeys.some(({ columns }) => lowered(columns) === own);
}

/** True when MySQL finds rows by these columns with a key: they are its first ones, as a whole. */
function beginsWith({ kind, parts }: DefinedKey, columns: readonly string[]): boolean {
  const first = parts.slice(0, columns.length);
  return (
    kind !== 'fulltext' &&
    !first.some(({ prefix }) => prefix) &&
    lowered(first.map(({ column }) => column)) === lowered(columns)
  );
}

function lowered(columns: readonly string[]): string {
  return columns.join().toLowerCase();
}
