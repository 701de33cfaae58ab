import { toVSchemaFacts } from '../../../effects/keyspace-facts.js';
import { requiredFact } from '../fact.js';

export const targetVSchema = requiredFact({
  name: 'targetVSchema',
  needs: ['targetShards'],
  read: (sides) =>
    sides.one(sides.targetPlace(), async () =>
      toVSchemaFacts(await sides.clients.target.vschema(sides.request.target.keyspace)),
    ),
});
