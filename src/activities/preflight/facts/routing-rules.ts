import { readRoutingRules } from '../../../vitess/topology/routing-rules.js';
import { optionalFact } from '../fact.js';

export const routingRules = optionalFact({
  name: 'routingRules',
  what: 'the routing rules',
  needs: [],
  read: (sides) => sides.one(sides.targetPlace(), () => readRoutingRules(sides.clients.target)),
});
