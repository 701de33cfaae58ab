import { defineCheck } from '../check.js';

/** Tablets whose version could not be read. */
export const versionUnknown = defineCheck({ name: 'version-unknown', severity: 'notice' });
