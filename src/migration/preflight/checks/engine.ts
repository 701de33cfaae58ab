import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { tablesOf, sourcePlace } from '../tables.js';

/** Every table can be read as of a single point in time. */
export const engine = defineCheck({
  name: 'engine',
  severity: 'warning',
  needs: ['plan', 'sourceDetails'],
  judge: ({ plan, sourceDetails }) =>
    tablesOf(sourceDetails)
      .filter(({ engine }) => engine.toLowerCase() !== 'innodb')
      .map(({ name, engine }) => ({
        message: `table ${quoteName(name)} uses the engine ${engine}, which cannot be read as of one point in time`,
        place: sourcePlace(plan, { table: name }),
        remedy: 'ALTER TABLE … ENGINE = InnoDB in the source, or stop its writers while it is copied',
      })),
});
