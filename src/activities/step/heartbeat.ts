import { Context } from '@temporalio/activity';
import { claimLost, Stopwatch, underClaims, type Claim } from '../../vitess/claims.js';
import { stopIfCancelled } from './failure.js';

/**
 * Milliseconds between two heartbeats of an activity, at least, and more for each activity that has them. By their
 * answers it hears that it is cancelled.
 */
const leastInterval = 200;
const intervalForEach = 20;
/** The part of a time-out that passes between two heartbeats at most. */
const mostOfTimeout = 0.45;

/** Seconds. */
const leastPatience = 10;

/** The activities of a worker that have heartbeats: the more there are, the longer each of them waits for its next. */
export class Heartbeats {
  private beating = 0;

  /** Milliseconds between two heartbeats of one activity. */
  get interval(): number {
    return Math.max(leastInterval, this.beating * intervalForEach);
  }

  /** Seconds that Temporal should wait for a heartbeat of an activity that lasts: the more of them, the longer. */
  get patience(): number {
    return Math.max(leastPatience, Math.ceil((this.beating * intervalForEach) / mostOfTimeout / 1_000));
  }

  /** Counts an activity while it has heartbeats. */
  async keep<T>(work: () => Promise<T>): Promise<T> {
    this.beating++;
    try {
      return await work();
    } finally {
      this.beating--;
    }
  }
}

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
  const beats = beatsOf(context);
  let timer: NodeJS.Timeout | undefined;
  const beat = (): void => {
    clearTimeout(timer);
    timer = setTimeout(beat, beats.interval);
    beats.next();
    context.heartbeat(details);
  };
  const tell = (news: unknown): void => {
    details = news;
    beat();
  };
  timer = setTimeout(beat, beats.interval);
  try {
    return await beats.of.keep(() =>
      underClaims([beats], () => work(() => stopIfCancelled(context.cancellationSignal), tell)),
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Wraps every function of a set of activities so that its claim begins with the attempt. A step may ask for heartbeats
 * several times, or late: the process may have stood still before.
 */
export function withClaims<T extends Record<string, (...args: never[]) => Promise<unknown>>>(
  activities: T,
  heartbeats: Heartbeats,
): T {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    (...args: never[]) => {
      beatsOf(Context.current(), heartbeats);
      return run(...args);
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

const claims = new WeakMap<Context, Beats>();

/** The claim of an attempt. Without `withClaims`, an activity is the only one of its worker. */
function beatsOf(context: Context, heartbeats = new Heartbeats()): Beats {
  const beats = claims.get(context) ?? new Beats(heartbeats, context.info.heartbeatTimeoutMs);
  claims.set(context, beats);
  return beats;
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
  constructor(
    readonly of: Heartbeats,
    timeout = 0,
  ) {
    this.timeout = timeout === 0 ? Infinity : timeout;
  }

  /** Milliseconds until the next heartbeat, if none comes with news. */
  get interval(): number {
    return Math.min(this.of.interval, this.timeout * mostOfTimeout);
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
