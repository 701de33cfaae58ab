import { defineCheck } from '../check.js';

/** How many findings are not shown. */
export const more = defineCheck({ name: 'more', severity: 'notice' });
