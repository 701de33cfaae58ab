import { nextAfter } from '../../plan/sequence.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** The sequence of a column is ahead of the largest key, unless Complete is to raise it. */
export const sequenceBehind = defineCheck({
  name: 'sequence-behind',
  severity: 'warning',
  needs: ['request', 'sequences'],
  again: 'complete',
  judge: ({ request, sequences }) =>
    sequences.flatMap(({ table, column, name, place, refusal, moves, nextId, largest }) => {
      if (refusal !== '') return [];
      if (request.input.initializeTargetSequences && nextAfter(largest) !== undefined) return [];
      // One that moves has its row when it is copied.
      if (nextId === undefined ? moves : largest === undefined || nextId > largest) return [];
      const what =
        nextId === undefined
          ? `sequence ${name} has no row`
          : `sequence ${name} would give ${nextId} next, but the source already has ${largest}`;
      return [
        {
          message: `${what}: inserts into ${quoteName(table)} without a value for ${quoteName(column)} would fail`,
          place,
          remedy:
            'set initializeTargetSequences, at Create or with Complete, and Complete raises it; ' +
            'or raise next_id yourself, above every key that the source will have by then',
        },
      ];
    }),
});
