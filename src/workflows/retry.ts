import { CancellationScope, condition, isCancellation, patched } from '@temporalio/workflow';
import type { Progress } from '../migration/lifecycle/state.js';
import { isFinal, problemOf } from './failures.js';

/** Milliseconds between two tries of a step that keeps failing: doubling, at most an hour. */
const firstDelay = 5_000;
const longestDelay = 3_600_000;

/** Work was given up because something else is wanted. */
export class Interrupted extends Error {}

/** Where the last error is shown while a step is being tried again, and a person may ask for the next try. */
type ErrorDisplay = Pick<Progress, 'lastError' | 'retryAsked'>;

/**
 * Runs a step until it succeeds or has failed `tries` times. An error that trying again cannot mend
 * ends it at once.
 */
export function retryUpTo<T>(display: ErrorDisplay, tries: number, work: () => Promise<T>): Promise<T> {
  return repeat(display, work, (error, count) => isFinal(error) || count >= tries);
}

/**
 * Runs a step until it succeeds, whatever goes wrong: for putting back, and for going forward past the
 * point of no return. `giveUp` names the codes of errors that end it all the same.
 */
export function retryForever<T>(
  display: ErrorDisplay,
  work: () => Promise<T>,
  giveUp: (code: string) => boolean = () => false,
): Promise<T> {
  return repeat(display, work, (error) => giveUp(problemOf(error).code));
}

async function repeat<T>(
  display: ErrorDisplay,
  work: () => Promise<T>,
  giveUp: (error: unknown, count: number) => boolean,
): Promise<T> {
  for (let count = 1, delay = firstDelay; ; count++, delay = Math.min(delay * 2, longestDelay)) {
    try {
      const result = await work();
      display.lastError = null;
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      display.lastError = problemOf(error);
      if (giveUp(error, count)) throw error;
      await condition(() => display.retryAsked, delay);
      display.retryAsked = false;
    }
  }
}

/**
 * Runs work until it ends or `wake` becomes true; then cancels what is pending of the work, and waits for it.
 * @throws Interrupted when `wake` came first, however the work has ended unless it has succeeded
 */
export async function interruptible<T>(wake: () => boolean, work: () => Promise<T>): Promise<T> {
  const scope = new CancellationScope({ cancellable: true });
  const waking = new CancellationScope({ cancellable: true });
  const running = scope.run(work);
  const woken = waking
    .run(() => condition(wake))
    .then(
      () => {
        scope.cancel();
        return true;
      },
      () => false,
    );
  try {
    return await running;
  } catch (error) {
    waking.cancel();
    // A worker that has died in the work does not say that it was cancelled, and is not replaced any more.
    if ((await woken) && (isCancellation(error) || patched('wish-wins'))) throw new Interrupted();
    throw error;
  } finally {
    waking.cancel();
  }
}
