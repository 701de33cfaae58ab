import { readLocks } from '../../../vitess/topology/lock.js';
import { optionalFact } from '../fact.js';

export const locks = optionalFact({
  name: 'locks',
  what: 'the locks',
  needs: [],
  read: (sides) => sides.one(sides.targetPlace(), () => readLocks(sides.clients.target, sides.request.target)),
});
