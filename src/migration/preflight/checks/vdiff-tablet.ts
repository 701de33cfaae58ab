import { targetPlace } from '../../plan/plan.js';
import { noVDiffTablet } from '../../proof/vdiff-tablets.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** Each shard of both sides has a tablet of the types that VDiff was told to read. */
export const vdiffTablet = defineCheck({
  name: 'vdiff-tablet',
  severity: 'error',
  needs: ['request', 'plan', 'sourceTablets', 'targetTablets'],
  judge: ({ request, plan, sourceTablets, targetTablets }) => {
    const { vdiffTabletTypes: wanted, cells } = request.input;
    if (wanted === undefined) return [];
    const fits = ({ type, cell }: { type: string; cell?: string }) =>
      wanted.some((each) => each === type) && (cells === undefined || cell === undefined || cells.includes(cell));
    const without = (shards: readonly { name: string }[], tablets: readonly { shard: string; type: string }[]) =>
      shards.filter(({ name }) => !tablets.some((tablet) => tablet.shard === name && fits(tablet)));
    return [
      ...without(plan.source.shards, sourceTablets).map(({ name }) => sourcePlace(plan, { shard: name })),
      ...without(plan.target.shards, targetTablets).map(({ name }) => targetPlace(plan, { shard: name })),
    ].map((place) => noVDiffTablet(wanted, place).toProblem());
  },
});
