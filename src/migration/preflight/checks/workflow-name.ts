import { targetPlace } from '../../plan/plan.js';
import { defineCheck } from '../check.js';
import { ownJournal } from '../tables.js';

/** The name is not taken by a workflow of Vitess. */
export const workflowName = defineCheck({
  name: 'workflow-name',
  severity: 'error',
  needs: ['request', 'journals', 'plan', 'targetStreams'],
  judge: ({ request, journals, plan, targetStreams }) => {
    if (ownJournal({ request, journals })?.streams === true) return [];
    return targetStreams
      .filter(({ workflows }) => workflows.some(({ workflow }) => workflow === plan.target.workflow))
      .map(({ shard }) => ({
        message: `a workflow named ${plan.target.workflow} already exists`,
        place: targetPlace(plan, { shard }),
        remedy: 'choose another name, or finish that workflow with the program that made it',
        code: 'WORKFLOW_EXISTS',
      }));
  },
});
