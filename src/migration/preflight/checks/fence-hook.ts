import { defineCheck } from '../check.js';

/** The worker would call what is to be called inside the fence. */
export const fenceHook = defineCheck({
  name: 'fence-hook',
  severity: 'error',
  needs: ['request', 'fenceHook'],
  again: 'complete',
  judge: ({ request, fenceHook: refusal }) =>
    refusal === null
      ? []
      : [
          {
            message: `${request.input.insideFence ?? ''} cannot be called inside the fence: ${refusal}`,
            place: {},
            remedy:
              'let the operator of the worker put the command into VTMIGRATE_HOOK_COMMANDS, or list the URL in ' +
              'VTMIGRATE_HOOK_URLS, of every worker of the task queue (docs/inside-the-fence.md)',
          },
        ],
});
