import type { SourceInspection } from '../../effects/source/inspection.js';
import type { SourceTablet } from '../../migration/plan/facts.js';
import type { Facts } from '../../migration/preflight/facts.js';
import type { Place } from '../../migration/problem/errors.js';

/** A source tablet with its place. */
export function placed(source: SourceInspection, tablet: SourceTablet): { place: Place; tablet: SourceTablet } {
  return { place: source.place({ shard: tablet.shard, tablet: tablet.alias }), tablet };
}

/** The candidates that are healthy. One that does not answer is not asked again: it counts as one finding, not five. */
export function healthy(
  source: SourceInspection,
  { sourceTablets, candidates }: Pick<Facts, 'sourceTablets' | 'candidates'>,
): { place: Place; tablet: SourceTablet }[] {
  const well = new Set(candidates.filter(({ unhealthy }) => unhealthy === '').map(({ place }) => place.tablet));
  return sourceTablets.filter(({ alias }) => well.has(alias)).map((tablet) => placed(source, tablet));
}
