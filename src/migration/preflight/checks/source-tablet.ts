import { isEligible } from '../../plan/plan.js';
import { defineCheck, type Found } from '../check.js';
import type { Facts } from '../facts.js';
import { sourcePlace } from '../tables.js';

/**
 * Each source shard has a tablet of a chosen type in a chosen cell that Vitess's tablet picker would take. One
 * healthy tablet is enough.
 */
export const sourceTablet = defineCheck({
  name: 'source-tablet',
  severity: 'error',
  needs: ['request', 'plan', 'sourceTablets', 'candidates'],
  judge: (facts) => facts.plan.source.shards.flatMap(({ name }) => judgeShard(name, facts)),
});

function judgeShard(
  shard: string,
  { request, plan, sourceTablets, candidates }: Pick<Facts, 'request' | 'plan' | 'sourceTablets' | 'candidates'>,
): Found[] {
  const { tabletTypes, cells } = request.input;
  const place = sourcePlace(plan, { shard });
  const tablets = sourceTablets.filter((tablet) => tablet.shard === shard);
  if (!tablets.some((tablet) => isEligible(request.input, tablet))) {
    const there = tablets.map(({ type, cell }) => `${type} in ${cell}`).join(', ') || 'no tablets';
    const inCells = cells === undefined ? '' : ` in cell ${cells.join(' or ')}`;
    return [
      {
        message: `no tablet of type ${tabletTypes.join(' or ')}${inCells}`,
        place,
        remedy: `the shard has ${there}; choose -tablet_types and -cells that fit`,
        code: 'NO_SOURCE_TABLET',
      },
    ];
  }
  const ofShard = candidates.filter((candidate) => candidate.place.shard === shard);
  if (ofShard.some(({ unhealthy }) => unhealthy === '')) return [];
  const why = ofShard.map(({ place: { tablet }, type, unhealthy }) => `${tablet ?? ''} (${type}): ${unhealthy}`);
  return [
    {
      message: `no tablet of the chosen types in the chosen cells is healthy: ${why.join('; ')}`,
      place,
      remedy: 'start one, or choose others with -tablet_types and -cells',
      code: 'NO_SOURCE_TABLET',
    },
  ];
}
