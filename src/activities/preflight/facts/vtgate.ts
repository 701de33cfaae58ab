import { requiredFact } from '../fact.js';

export const vtgate = requiredFact({
  name: 'vtgate',
  needs: [],
  read: (sides) =>
    sides.one(sides.targetPlace(), async () => {
      await sides.clients.vtgate.ping();
      return 'answers' as const;
    }),
});
