import { Context } from '@temporalio/activity';
import { stopIfCancelled } from './failure.js';

/** Milliseconds; the workflow's heartbeat time-outs are several times this. */
const interval = 2_000;

/**
 * Runs `work` with a steady heartbeat, so that Temporal notices a dead worker and nothing else: a
 * server that stalls ends a call by the call's own time-out. `work` gets a function that throws once
 * the activity has been cancelled, to be called before each effect, and one that sets the details of
 * the heartbeats from then on.
 */
export async function withHeartbeat<T>(
  work: (stopIfCancelled: () => void, tell: (details: unknown) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  // Until there are newer details, the heartbeats repeat those of the previous attempt.
  let details: unknown = context.info.heartbeatDetails;
  const timer = setInterval(() => context.heartbeat(details), interval);
  const tell = (news: unknown): void => {
    details = news;
    context.heartbeat(details);
  };
  try {
    return await work(() => stopIfCancelled(context.cancellationSignal), tell);
  } finally {
    clearInterval(timer);
  }
}
