import { optionalFact } from '../fact.js';

export const targetTablets = optionalFact({
  name: 'targetTablets',
  what: 'the records of its tablets',
  needs: ['targetPrimaries'],
  read: async (sides, { targetPrimaries }) => {
    const { clients, request } = sides;
    const perShard = await sides.each(
      targetPrimaries,
      ({ shard }) => sides.targetPlace({ shard }),
      async ({ shard }) => {
        const tablets = await clients.tablets(clients.target, request.target.keyspace, shard);
        return tablets.map(({ type }) => ({ shard, type }));
      },
    );
    return { ...perShard, value: perShard.value.flat() };
  },
});
