import type { ConstraintFacts } from '../../plan/table-facts.js';
import { quoteName } from '../../sql/quote.js';
import type { TableDefinition } from '../../sql/table-definition.js';
import { defineCheck, type Found } from '../check.js';
import { definitionsOf } from '../tables.js';

/**
 * Constraints of the tables that Create makes have names that are free: MySQL allows each once in a database, for CHECK
 * and for FOREIGN KEY.
 */
export const constraintName = defineCheck({
  name: 'constraint-name',
  severity: 'error',
  needs: ['plan', 'sourceSchemas', 'targetConstraints'],
  judge: ({ plan, sourceSchemas, targetConstraints }) => {
    const tables = definitionsOf(plan, sourceSchemas);
    return targetConstraints.flatMap(({ place, constraints }) => {
      const taken = new Map(constraints.map((each) => [compared(each), each]));
      const missing = new Set(plan.missingTables[place.shard ?? '']);
      const made = tables.filter(({ name }) => missing.has(name));
      return made.flatMap(({ name, definition }) =>
        constraintsOf(name, definition).flatMap((own): Found[] => {
          const other = taken.get(compared(own));
          if (other === undefined) return [];
          return [
            {
              message:
                `table ${quoteName(name)} cannot be created: the name of its ${own.type} constraint ` +
                `${quoteName(own.name)} is taken by table ${quoteName(other.table)} of the target`,
              place: { ...place, table: name },
              remedy:
                `drop the constraint of ${quoteName(other.table)} on the target, give that of ${quoteName(name)} ` +
                'another name in the source, or leave the table out with -exclude',
            },
          ];
        }),
      );
    });
  },
});

function constraintsOf(table: string, { checks, foreignKeys }: TableDefinition): ConstraintFacts[] {
  return [
    ...checks.map((name) => ({ table, name, type: 'CHECK' as const })),
    ...foreignKeys.map(({ name }) => ({ table, name, type: 'FOREIGN KEY' as const })),
  ];
}

/** Equal for two names that MySQL takes for one: it ignores upper and lower case and, in foreign keys, accents. */
function compared({ type, name }: ConstraintFacts): string {
  const lower = name.toLowerCase();
  return `${type} ${type === 'CHECK' ? lower : lower.normalize('NFD').replaceAll(/\p{M}/gu, '')}`;
}
