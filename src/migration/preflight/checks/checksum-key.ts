import { defineCheck } from '../check.js';
import { largeTable, withoutKey } from '../checksum-keys.js';

/** Large tables have a key along which the checksums read them in parts. */
export const checksumKey = defineCheck({
  name: 'checksum-key',
  severity: 'warning',
  needs: ['plan', 'sourceDetails', 'targetDetails'],
  judge: (facts) =>
    withoutKey(facts)
      .filter(({ bytes }) => bytes > largeTable)
      .map(({ message, place, remedy }) => ({ message, place, remedy })),
});
