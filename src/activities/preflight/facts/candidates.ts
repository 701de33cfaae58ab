import type { SourceInspection } from '../../../effects/source/inspection.js';
import type { SourceTablet } from '../../../migration/plan/facts.js';
import { isEligible } from '../../../migration/plan/plan.js';
import type { CandidateFacts } from '../../../migration/preflight/facts.js';
import { MigrationError } from '../../../migration/problem/errors.js';
import { optionalFact } from '../fact.js';
import { placed } from '../tablets.js';

export const candidates = optionalFact({
  name: 'candidates',
  what: 'the health of the tablet',
  needs: ['request', 'mount', 'sourceTablets'],
  read: async (sides, { request, mount, sourceTablets }) => {
    const source = sides.source(mount);
    const eligible = sourceTablets.filter((tablet) => isEligible(request.input, tablet));
    const read = await Promise.all(
      eligible.map(async (tablet) => {
        const known = { ...placed(source, tablet), hostname: tablet.hostname, type: tablet.type };
        const { value, unread } = await sides.one(known.place, () => inspect(source, tablet));
        // A tablet that cannot be judged in time is not healthy either.
        return { candidate: { ...known, ...(value ?? notKnown) }, unread };
      }),
    );
    return { value: read.map(({ candidate }) => candidate), unread: read.flatMap(({ unread }) => unread) };
  },
});

const notKnown = { unhealthy: 'its health is not known', streamError: '' };

/** A tablet that does not answer is unhealthy, and a stream that fails is a fact, not an error. */
async function inspect(
  source: SourceInspection,
  tablet: SourceTablet,
): Promise<Pick<CandidateFacts, 'unhealthy' | 'streamError'>> {
  const unhealthy = await reasonOf(() => source.health(tablet));
  const streamError = unhealthy === '' ? await reasonOf(async () => (await source.openStream(tablet), '')) : '';
  return { unhealthy, streamError };
}

/** @param tries one lost answer does not make a tablet unhealthy */
async function reasonOf(ask: () => Promise<string>, tries = 2): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    if (error.code === 'TABLET_UNREACHABLE' && tries > 1) return reasonOf(ask, tries - 1);
    return error.what;
  }
}
