import { defineCheck } from '../check.js';

/** The target's vtgate. */
export const vtgateAnswers = defineCheck({ name: 'vtgate-answers', severity: 'error', codes: ['VTGATE_UNREACHABLE'] });
