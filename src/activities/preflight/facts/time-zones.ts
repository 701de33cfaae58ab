import { optionalFact } from '../fact.js';

/** Asked of the target, whose MySQL converts for streams and VDiffs. */
export const timeZones = optionalFact({
  name: 'timeZones',
  what: 'the time zones of MySQL',
  needs: ['request', 'targetPrimaries'],
  read: (sides, { request, targetPrimaries }) => {
    const { sourceTimeZone } = request.input;
    if (sourceTimeZone === undefined) return Promise.resolve({ value: [], unread: [] });
    return sides.ofPrimaries(targetPrimaries, async ({ place, tablet }) => ({
      place,
      converts: await tablet.convertsFrom(sourceTimeZone),
    }));
  },
});
