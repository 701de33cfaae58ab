import { defineCheck } from '../check.js';

/** Whether etcd, the tablets and vtgate accept the worker's credentials. */
export const accessGranted = defineCheck({ name: 'access-granted', severity: 'error', codes: ['ACCESS_REFUSED'] });
