import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** The sequence of a column gives numbers. */
export const sequenceUnusable = defineCheck({
  name: 'sequence-unusable',
  severity: 'warning',
  needs: ['sequences'],
  again: 'complete',
  judge: ({ sequences }) =>
    sequences
      .filter(({ refusal }) => refusal !== '')
      .map(({ table, column, name, place, refusal }) => ({
        message:
          `column ${quoteName(column)} of table ${quoteName(table)} gets its numbers from ${name}, ` +
          `which gives none: ${refusal}`,
        place,
        remedy:
          "create its table in an unsharded keyspace, with the comment 'vitess_sequence' and a row with ID 0, set " +
          '"type": "sequence" in that keyspace\'s VSchema, and run vtctldclient ReloadSchemaKeyspace --include-primary',
      })),
});
