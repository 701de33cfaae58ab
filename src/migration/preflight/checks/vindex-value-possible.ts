import { defineCheck } from '../check.js';
import { describeDoubt } from '../vindex-values.js';

/** No row without a keyspace ID can be written: a stream would end at it, and the copy may yet meet one. */
export const vindexValuePossible = defineCheck({
  name: 'vindex-value-possible',
  severity: 'warning',
  needs: ['vindexValues'],
  judge: ({ vindexValues }) =>
    vindexValues
      .filter(({ found }) => found !== true)
      .map((each) => ({
        message:
          `there may be such values in ${describeDoubt(each)}: ` +
          (each.found === undefined ? 'MySQL could not tell in time' : 'no row has one now'),
        place: each.place,
        remedy:
          'accept it if none is written; otherwise let the column hold none in the source, ' +
          'use another vindex in the target VSchema (xxhash takes every value), or leave the table out with -exclude',
      })),
});
