import { targetPlace, heldTable, tableNames } from '../../plan/plan.js';
import { holdersOf } from '../../watch/holders.js';
import { defineCheck } from '../check.js';
import { ownJournal } from '../tables.js';

/** No table is denied to the target's applications already, except by this run. */
export const tableDenied = defineCheck({
  name: 'table-denied',
  severity: 'error',
  needs: ['request', 'journals', 'plan', 'targetShards', 'targetStreams'],
  judge: ({ request, journals, plan, targetShards, targetStreams }) => {
    const { keyspace, workflow } = plan.target;
    const own = ownJournal({ request, journals })?.deniedTables ?? {};
    const others = journals.filter((journal) => journal.workflow !== workflow);
    const ours = new Set(journals.flatMap((journal) => [journal.workflow, ...journal.workflows]));
    return targetShards.flatMap(({ name: shard, deniedTables }) => {
      const mine = new Set(own[shard]);
      const denied = new Set(deniedTables.filter((table) => !mine.has(table)));
      const migrations = others.map((journal) => ({ ...journal, denied: journal.deniedTables[shard] ?? [] }));
      const workflows = targetStreams
        .filter((streams) => streams.shard === shard)
        .flatMap((streams) =>
          streams.workflows.filter((each) => !ours.has(each.workflow) && each.workflow !== workflow),
        );
      const holderOf = holdersOf(keyspace, migrations, workflows);
      return tableNames(plan)
        .filter((table) => denied.has(table))
        .map((table) => ({
          ...heldTable(table, holderOf(table), keyspace),
          place: targetPlace(plan, { shard, table }),
          code: 'TABLE_DENIED',
        }));
    });
  },
});
