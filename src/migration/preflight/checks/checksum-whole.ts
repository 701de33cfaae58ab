import { defineCheck } from '../check.js';
import { largeTable, withoutKey } from '../checksum-keys.js';

/** The same of tables that are not large: they are read again as a whole when one of their rows changes. */
export const checksumWhole = defineCheck({
  name: 'checksum-whole',
  severity: 'notice',
  needs: ['plan', 'sourceDetails', 'targetDetails'],
  judge: (facts) =>
    withoutKey(facts)
      .filter(({ bytes }) => bytes <= largeTable)
      .map(({ message, place, remedy }) => ({ message, place, remedy })),
});
