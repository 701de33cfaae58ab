import { listJournals } from '../../../effects/journal-list.js';
import { workflowsIn } from '../../../effects/journal.js';
import { requiredFact } from '../fact.js';

export const journals = requiredFact({
  name: 'journals',
  needs: [],
  read: (sides) =>
    sides.one(sides.targetPlace(), async () => {
      const journals = await listJournals(sides.clients.target, sides.request.target.keyspace);
      return journals.map(({ workflow, journal }) => {
        const { runId, source, createdTables, deniedTables, streams } = journal;
        const workflows = workflowsIn(journal, { workflow });
        return { workflow, runId, source, createdTables, deniedTables, streams, workflows };
      });
    }),
});
