import { requireServingShards } from '../../../effects/keyspace-facts.js';
import { deniedTables } from '../../../vitess/topology/shard-record.js';
import { requiredFact } from '../fact.js';

export const targetShards = requiredFact({
  name: 'targetShards',
  needs: [],
  read: (sides) =>
    sides.one(sides.targetPlace(), async () => {
      const shards = await requireServingShards(sides.clients.target, sides.request.target.keyspace);
      return shards.map(({ name, keyRange, record }) => ({ name, keyRange, deniedTables: deniedTables(record) }));
    }),
});
