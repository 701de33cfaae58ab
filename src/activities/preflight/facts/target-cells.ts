import { requiredFact } from '../fact.js';

export const targetCells = requiredFact({
  name: 'targetCells',
  needs: ['targetShards'],
  read: (sides) => sides.one(sides.targetPlace(), () => sides.clients.target.cells()),
});
