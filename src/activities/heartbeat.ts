import { Context } from '@temporalio/activity';
import { stopIfCancelled } from './failure.js';

/** Milliseconds; the workflow's heartbeat time-outs are several times this. */
const interval = 2_000;

/**
 * Runs `work` with a steady heartbeat, so that Temporal notices a dead worker, and gives it
 * a function that throws once the activity has been cancelled: to be called before each effect.
 */
export async function withHeartbeat<T>(work: (stopIfCancelled: () => void) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), interval);
  try {
    return await work(() => stopIfCancelled(context.cancellationSignal));
  } finally {
    clearInterval(timer);
  }
}
