import { makePlan } from '../../../migration/plan/plan.js';
import { requiredFact } from '../fact.js';

/** Nothing is read for it. */
export const plan = requiredFact({
  name: 'plan',
  needs: [
    'request',
    'sourceCells',
    'sourceShards',
    'sourceTablets',
    'sourceSchemas',
    'sourceVSchema',
    'targetCells',
    'targetShards',
    'targetTables',
    'targetVSchema',
  ],
  read: (_sides, facts) => Promise.resolve({ value: makePlan(facts.request.input, facts), unread: [] }),
});
