import { optionalFact } from '../fact.js';

export const cellsAway = optionalFact({
  name: 'cellsAway',
  what: 'whether the cells can be reached',
  needs: ['mount'],
  read: async (sides, { mount }) => {
    const source = sides.source(mount);
    const { target } = sides.clients;
    const both = [
      { place: source.place(), read: () => source.cellsAway() },
      { place: sides.targetPlace(), read: () => target.cellsAway() },
    ];
    const { value, unread } = await sides.each(
      both,
      ({ place }) => place,
      async ({ place, read }) => (await read()).map(({ cell, why }) => ({ place: { ...place, cell }, why })),
    );
    return { value: value.flat(), unread };
  },
});
