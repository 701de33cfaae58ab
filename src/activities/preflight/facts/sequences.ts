import { SequenceFinder } from '../../../effects/sequences.js';
import { tableNames, type Plan } from '../../../migration/plan/plan.js';
import { largestOf, sequencesOf, type SequenceName } from '../../../migration/plan/sequence.js';
import type { SequenceFacts } from '../../../migration/preflight/facts.js';
import type { Clients } from '../../../vitess/clients.js';
import { optionalFact } from '../fact.js';

export const sequences = optionalFact({
  name: 'sequences',
  what: 'the sequences of the tables',
  needs: ['mount', 'sourceShards', 'targetVSchema'],
  read: (sides, { plan, mount, sourceShards, targetVSchema }) => {
    const finder = new SequenceFinder(sides.clients);
    return sides.each(
      sequencesOf(tableNames(plan), targetVSchema),
      ({ table }) => sides.targetPlace({ table }),
      async ({ table, column, sequence }) => {
        const [found, ...largest] = await Promise.all([
          look(sides.clients, finder, plan, sequence),
          ...sourceShards.map(({ name }) => sides.source(mount).largest(name, table, column)),
        ]);
        return { table, column, ...found, largest: largestOf(largest) };
      },
    );
  },
});

type Found = Pick<SequenceFacts, 'name' | 'place' | 'refusal' | 'moves' | 'nextId'>;

async function look(clients: Clients, finder: SequenceFinder, plan: Plan, sequence: SequenceName): Promise<Found> {
  const found = await finder.find(sequence);
  const { keyspace, table } = found;
  const moves = keyspace === plan.target.keyspace && tableNames(plan).includes(table);
  const facts = {
    name: keyspace === '' ? table : `${keyspace}.${table}`,
    place: clients.target.place(keyspace === '' ? { table } : { keyspace, table }),
    moves,
  };
  if ('lacks' in found) return { ...facts, refusal: found.lacks, nextId: undefined };
  const row = await found.tablet.sequence(table);
  if (moves) return { ...facts, refusal: '', nextId: row?.nextId };
  if (row === undefined) return { ...facts, refusal: 'the table does not exist', nextId: undefined };
  if (!row.marked) return { ...facts, refusal: "its comment is not 'vitess_sequence'", nextId: undefined };
  return { ...facts, refusal: await clients.vtgate.trySequence(keyspace, table), nextId: row.nextId };
}
