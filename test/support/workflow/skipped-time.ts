import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { stopIfCancelled } from '../../../src/activities/step/failure.js';
import { endsWatching, type Observation } from '../../../src/migration/watch/observation.js';
import { replicating } from './samples.js';
import type { Behaviour } from './scripted-activities.js';

/** What the clusters show at a time, and how many milliseconds it stays like that. */
export interface View {
  observation: Observation;
  lastsMs: number;
}

/**
 * The activity `observe` by its contract (see src/activities/observe.ts), in skipped time: instead
 * of a look each half second it sleeps until the next moment at which the answer may be another one.
 */
export function inSkippedTime(
  env: TestWorkflowEnvironment,
  view: (nowMs: number) => View | Promise<View> = () => ({ observation: replicating(), lastsMs: Infinity }),
): Behaviour<'observe'> {
  return async (_plan, since, wait) => {
    const startedAt = await now(env);
    for (;;) {
      const at = await now(env);
      const { observation, lastsMs } = await view(at);
      const seconds = (at - startedAt) / 1000;
      if (endsWatching(observation, since, wait, seconds)) return observation;
      // Before `minSeconds` only the end of the copy ends the watching.
      const mute = seconds < wait.minSeconds;
      const restMs = ((mute ? wait.minSeconds : wait.maxSeconds) - seconds) * 1000;
      await env.sleep(Math.ceil(Math.max(1, mute && wait.copyingSince === null ? restMs : Math.min(lastsMs, restMs))));
      stopIfCancelled(Context.current().cancellationSignal);
    }
  };
}

/** The server's time in milliseconds. */
export function now(env: TestWorkflowEnvironment): Promise<number> {
  return env.currentTimeMs();
}
