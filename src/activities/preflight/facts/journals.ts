import { listJournals } from '../../../effects/journal.js';
import { requiredFact } from '../fact.js';

export const journals = requiredFact({
  name: 'journals',
  needs: [],
  read: (sides) =>
    sides.one(sides.targetPlace(), async () => {
      const journals = await listJournals(sides.clients.target, sides.request.target.keyspace);
      return journals.map(({ workflow, journal: { runId, source, createdTables, deniedTables, streams } }) => ({
        workflow,
        runId,
        source,
        createdTables,
        deniedTables,
        streams,
      }));
    }),
});
