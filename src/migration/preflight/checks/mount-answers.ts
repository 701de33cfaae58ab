import { defineCheck } from '../check.js';

/** The mount record of the source. */
export const mountAnswers = defineCheck({
  name: 'mount-answers',
  severity: 'error',
  codes: ['MOUNT_NOT_FOUND', 'MOUNT_CONFLICT', 'INVALID_INPUT'],
});
