import { defineCheck } from '../check.js';

/** Seconds. */
const long = 30;

/** A transaction with row locks makes `LOCK TABLES … READ` of the copy and of VDiff wait, and writes behind it. */
export const longTransaction = defineCheck({
  name: 'long-transaction',
  severity: 'warning',
  needs: ['sourceTransactions', 'targetTransactions'],
  judge: ({ sourceTransactions, targetTransactions }) =>
    [...sourceTransactions, ...targetTransactions]
      .filter(({ seconds }) => seconds >= long)
      .map(({ place, id, seconds, thread }) => ({
        message: `transaction ${id} of connection ${thread} has been open for ${seconds} s with rows locked`,
        place,
        remedy:
          `wait for its end, or KILL ${thread}: the copy and VDiff lock tables for a moment; ` +
          'that lock waits for the transaction, and writers wait behind it',
      })),
});
