import { optionalFact } from '../fact.js';

export const fenceHook = optionalFact({
  name: 'fenceHook',
  what: 'what the worker may call inside the fence',
  needs: ['request'],
  read: (sides, { request }) => {
    const { fenceSource, insideFence } = request.input;
    const refusal = insideFence === undefined || !fenceSource ? null : sides.clients.hooks.refusal(insideFence);
    return Promise.resolve({ value: refusal, unread: [] });
  },
});
