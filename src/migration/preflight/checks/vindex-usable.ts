import { targetPlace, tableNames } from '../../plan/plan.js';
import { distributionOf } from '../../plan/vindex.js';
import { defineCheck, type Found } from '../check.js';

/** The primary vindex of every table in a sharded target is one that a stream of the source can evaluate. */
export const vindexUsable = defineCheck({
  name: 'vindex-usable',
  severity: 'error',
  needs: ['plan', 'sourceVSchema', 'targetVSchema'],
  judge: ({ plan, sourceVSchema, targetVSchema }) =>
    tableNames(plan).flatMap((table): Found[] => {
      if (!targetVSchema.sharded) return [];
      const distribution = distributionOf(table, sourceVSchema, targetVSchema, plan.source.keyspace);
      if (distribution.by !== 'nothing' || distribution.lacks !== 'vindex') return [];
      const { why, remedy } = distribution;
      return [{ message: why, place: targetPlace(plan, { table }), remedy, code: 'VINDEX_UNUSABLE' }];
    }),
});
