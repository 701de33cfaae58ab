import { migrateInputSchema, needsFence } from '../input/input.js';
import { acceptable, severityOf } from './checks/index.js';

/**
 * The input of the workflow type `migrate`, with `accept` limited to the checks that exist, and nothing inside a fence
 * without one.
 */
export const migrateContract = migrateInputSchema.check((ctx) => {
  needsFence(ctx);
  for (const [index, check] of ctx.value.accept.entries()) {
    const message = whyNotAcceptable(check);
    if (message !== undefined) ctx.issues.push({ code: 'custom', input: check, path: ['accept', index], message });
  }
});

function whyNotAcceptable(check: string): string | undefined {
  if (acceptable.includes(check)) return undefined;
  const severity = severityOf(check);
  if (severity === undefined) return `names no check: ${JSON.stringify(check)}; there are ${acceptable.join(', ')}`;
  return `names ${check}: ${severity === 'error' ? 'an error cannot be accepted' : 'a notice does not stop anything'}`;
}
