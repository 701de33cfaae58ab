import { defineCheck } from '../check.js';

/** A backtick in a table name, which breaks Vitess's own GetSchema. */
export const backtickName = defineCheck({ name: 'backtick-name', severity: 'error', codes: ['BACKTICK_TABLE_NAME'] });
