import { Context } from '@temporalio/activity';
import { claimLost, Stopwatch, underClaims, type Claim } from '../../vitess/claims.js';
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
  const beats = new Beats(context.info.heartbeatTimeoutMs);
  const beat = (): void => {
    beats.next();
    context.heartbeat(details);
  };
  const timer = setInterval(beat, interval);
  const tell = (news: unknown): void => {
    details = news;
    beat();
  };
  try {
    return await underClaims([beats], () => work(() => stopIfCancelled(context.cancellationSignal), tell));
  } finally {
    clearInterval(timer);
  }
}

/**
 * The claim to be the one worker of an activity. It ends for good when no heartbeat has gone out for as long as
 * Temporal waits for one: this process stood still, and the activity is another worker's.
 */
class Beats implements Claim {
  private last = new Stopwatch();
  private missed = 0;
  private readonly timeout: number;

  /** @param timeout milliseconds; without one, or with 0, Temporal waits for no heartbeat */
  constructor(timeout = 0) {
    this.timeout = timeout === 0 ? Infinity : timeout;
  }

  next(): void {
    this.look();
    this.last = new Stopwatch();
  }

  assert(): void {
    this.look();
    if (this.missed > 0)
      throw claimLost(`the worker stood still for ${(this.missed / 1000).toFixed(1)} s: another one has the step`, {});
  }

  private look(): void {
    const { elapsed } = this.last;
    if (elapsed > this.timeout) this.missed = elapsed;
  }
}
