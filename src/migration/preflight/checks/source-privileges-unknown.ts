import { defineCheck } from '../check.js';

/** Accounts whose privileges could not be read. */
export const sourcePrivilegesUnknown = defineCheck({ name: 'source-privileges-unknown', severity: 'notice' });
