import { defineCheck } from '../check.js';
import { describeDoubt } from '../vindex-values.js';

/** Every row has a keyspace ID: a stream ends at one that has none, and tries again for ever. */
export const vindexValue = defineCheck({
  name: 'vindex-value',
  severity: 'error',
  needs: ['vindexValues'],
  judge: ({ vindexValues }) =>
    vindexValues
      .filter(({ found }) => found === true)
      .map((each) => ({
        message: `there are such values in ${describeDoubt(each)}`,
        place: each.place,
        remedy:
          'change those rows in the source, use another vindex in the target VSchema (xxhash takes every value), ' +
          'or leave the table out with -exclude',
      })),
});
