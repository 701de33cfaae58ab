import { workflowsOf } from '../../plan/lanes.js';
import { tableNames, targetPlace, type Plan } from '../../plan/plan.js';
import type { Place } from '../../problem/errors.js';
import { quoteName } from '../../sql/quote.js';
import { writing } from '../../watch/writes-to.js';
import { defineCheck, type Found } from '../check.js';
import { list } from '../words.js';

/** No other workflow, and no journal of another migration, has tables of this one. */
export const otherWorkflow = defineCheck({
  name: 'other-workflow',
  severity: 'error',
  needs: ['request', 'plan', 'journals', 'targetStreams'],
  judge: ({ request, plan, journals, targetStreams }) => {
    const { keyspace, workflow } = plan.target;
    const own = workflowsOf(plan);
    const streams = targetStreams.flatMap(({ place, workflows }) =>
      workflows
        // One of the same name is a finding of `workflow-name`.
        .filter((other) => !own.includes(other.workflow))
        .flatMap((other) => judgeRules(plan, place, other.workflow, other.rules)),
    );
    const migrations = journals
      .filter((other) => other.workflow !== workflow && other.runId !== request.runId)
      .flatMap(({ workflow: name, createdTables, deniedTables }) => {
        const tables = [createdTables, deniedTables].flatMap((lists) => Object.values(lists).flat());
        return judgeRules(plan, targetPlace(plan), `${keyspace}.${name}`, [...new Set(tables)]);
      });
    return [...streams, ...migrations];
  },
});

function judgeRules(plan: Plan, place: Place, workflow: string, rules: readonly string[]): Found[] {
  const shared = tableNames(plan).filter(writing(rules));
  if (shared.length === 0) return [];
  return [
    {
      message: `the workflow ${workflow} has the same tables: ${list(shared.map(quoteName))}`,
      place,
      remedy: 'complete or cancel that one first, or leave the tables out with -exclude',
    },
  ];
}
