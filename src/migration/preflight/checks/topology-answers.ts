import { defineCheck } from '../check.js';

/** The topology servers of both sides. */
export const topologyAnswers = defineCheck({
  name: 'topology-answers',
  severity: 'error',
  codes: ['TOPO_UNREACHABLE'],
});
