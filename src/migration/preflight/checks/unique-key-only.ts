import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { tablesOf, sourcePlace } from '../tables.js';

/** Tables whose only key is a unique one. */
export const uniqueKeyOnly = defineCheck({
  name: 'unique-key-only',
  severity: 'notice',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails).flatMap(({ name, uniqueKeys }) => {
      const usable = uniqueKeys.find(({ notNull }) => notNull);
      if (usable === undefined || uniqueKeys.some((key) => key.name === 'PRIMARY')) return [];
      return [
        {
          message:
            `table ${quoteName(name)} has no primary key; ` +
            `the unique key ${quoteName(usable.name)} identifies its rows`,
          place: sourcePlace(plan, { table: name }),
          remedy: 'no action needed: Vitess uses that key',
        },
      ];
    }),
});
