import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';
import { list } from '../words.js';

/** Views are not copied. */
export const view = defineCheck({
  name: 'view',
  severity: 'notice',
  needs: ['plan', 'sourceViews'],
  judge: ({ plan, sourceViews }) =>
    sourceViews.length === 0
      ? []
      : [
          {
            message: `views are not copied: ${list(sourceViews)}`,
            place: sourcePlace(plan),
            remedy: 'create them in the target after Complete',
          },
        ],
});
