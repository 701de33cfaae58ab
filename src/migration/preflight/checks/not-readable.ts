import { defineCheck } from '../check.js';

/** What is not known because an account, or a server, refuses to answer. */
export const notReadable = defineCheck({ name: 'not-readable', severity: 'warning' });
