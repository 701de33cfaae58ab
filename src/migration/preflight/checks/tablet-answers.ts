import { defineCheck } from '../check.js';

/** The primaries of both sides. Errors that no other check has are its findings as well. */
export const tabletAnswers = defineCheck({
  name: 'tablet-answers',
  severity: 'error',
  codes: ['TABLET_UNREACHABLE', 'TABLET_REFUSED', 'TABLET_CALL_FAILED'],
});
