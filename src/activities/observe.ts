import type { MigrationRef } from '../migration/plan/reference.js';
import {
  endsWatching,
  inHeartbeat,
  inHistory,
  toObservation,
  type Observation,
  type Wait,
} from '../migration/watch/observation.js';
import type { Clients } from '../vitess/clients.js';
import { withHeartbeat } from './step/heartbeat.js';
import { Watch } from './step/look.js';
import type { Pace } from './step/pace.js';
import { Step } from './step/step.js';

/** Milliseconds between two looks, at least. */
const pollInterval = 250;

/** The step Monitor: watches the streams and answers when something has changed. */
export function observeActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Watches until `endsWatching`. Each look is heartbeat, in more detail than the answer has, so that
     * the pending activity shows the newest state while the history stays small. What cannot be read is
     * part of the observation, not an error.
     * @param since the `fingerprint` of the last observation
     */
    async observe(ref: MigrationRef, since: string, wait: Wait): Promise<Observation> {
      const watch = new Watch(clients, await new Step(clients, ref).plan(), wait.copyingSince);
      const startedAt = Date.now();
      const looking = (pause: (ms: number) => Promise<void>) =>
        withHeartbeat(async (_, heartbeat) => {
          for (;;) {
            const look = await watch.look();
            heartbeat(toObservation(look, inHeartbeat));
            const observation = toObservation(look, inHistory);
            if (endsWatching(observation, since, wait, (Date.now() - startedAt) / 1000))
              return { ...observation, heartbeatPatience: pace.heartbeats.patience };
            await pause(pollInterval);
          }
        });
      return pace.keep(looking);
    },
  };
}
