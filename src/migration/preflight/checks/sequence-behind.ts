import { quoteName } from '../../sql/quote.js';
import { nextAfter } from '../../plan/sequence.js';
import { defineCheck } from '../check.js';

/** The sequence of a column goes on behind the largest key, unless Complete raises it. */
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
          : `sequence ${name} gives ${nextId} next, and the source has ${largest} already`;
      return [
        {
          message: `${what}: inserts into ${quoteName(table)} without a value for ${quoteName(column)} would fail`,
          place,
          remedy:
            'set initializeTargetSequences, with Complete at the latest, and Complete raises it; ' +
            'or raise next_id yourself, above every key that the source will have by then',
        },
      ];
    }),
});
