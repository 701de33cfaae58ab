import { Context } from '@temporalio/activity';
import { fenceHook } from '../effects/fence-hook.js';
import { parseDuration } from '../migration/input/duration.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import type { Clients } from '../vitess/clients.js';
import { lockedStep } from './step/step.js';

/** The step of Complete between the last comparison behind the fence and the point of no return. */
export function insideFenceActivities(clients: Clients) {
  return {
    /**
     * Calls what a person wants to have called while nobody can write.
     * @param timeout a duration such as `10s`
     * @returns milliseconds that it took
     * @throws FENCE_HOOK_FAILED
     */
    async insideFence(ref: MigrationRef, hook: string, timeout: string): Promise<number> {
      return lockedStep(clients, ref, 'vtmigrate inside the fence', async (step) => {
        const began = performance.now();
        try {
          await fenceHook.make(step, hook, parseDuration(timeout), Context.current().cancellationSignal);
        } catch (error) {
          step.stopIfCancelled();
          throw error;
        }
        return Math.round(performance.now() - began);
      });
    },
  };
}
