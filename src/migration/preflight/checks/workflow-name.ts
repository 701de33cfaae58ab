import { workflowsOf } from '../../plan/lanes.js';
import { targetPlace } from '../../plan/plan.js';
import { defineCheck } from '../check.js';
import { ownJournal } from '../tables.js';

/** The name is not taken by a workflow of Vitess, nor is that of a lane. */
export const workflowName = defineCheck({
  name: 'workflow-name',
  severity: 'error',
  needs: ['request', 'journals', 'plan', 'targetStreams'],
  judge: ({ request, journals, plan, targetStreams }) => {
    if (ownJournal({ request, journals })?.streams === true) return [];
    const own = workflowsOf(plan);
    return targetStreams.flatMap(({ shard, workflows }) =>
      workflows
        .filter(({ workflow }) => own.includes(workflow))
        .map(({ workflow }) => ({
          message: `a workflow named ${workflow} already exists`,
          place: targetPlace(plan, { shard }),
          remedy: 'choose another name, or finish that workflow with the program that made it',
          code: 'WORKFLOW_EXISTS',
        })),
    );
  },
});
