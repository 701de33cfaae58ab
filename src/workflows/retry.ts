import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import { isFinal, problemOf } from './failures.js';
import type { MigrationState } from './state.js';

/** Milliseconds between two tries of a step that keeps failing: doubling, at most an hour. */
const firstDelay = 5_000;
const longestDelay = 3_600_000;

/** A step's work was given up because the migration is to be cancelled. */
export class Interrupted extends Error {}

/**
 * Runs a step until it succeeds or `tries` have failed, showing the last error meanwhile.
 * An error that trying again cannot mend ends it at once.
 */
export function attempt<T>(state: MigrationState, work: () => Promise<T>, tries: number): Promise<T> {
  return repeat(state, work, (error, count) => isFinal(error) || count >= tries);
}

/**
 * Runs a step until it succeeds, whatever goes wrong: for putting back, and for going forward
 * past the point of no return. `giveUp` names the errors that end it all the same.
 */
export function insist<T>(
  state: MigrationState,
  work: () => Promise<T>,
  giveUp: (code: string) => boolean = () => false,
): Promise<T> {
  return repeat(state, work, (error) => giveUp(problemOf(error).code));
}

async function repeat<T>(
  state: MigrationState,
  work: () => Promise<T>,
  giveUp: (error: unknown, count: number) => boolean,
): Promise<T> {
  for (let count = 1, delay = firstDelay; ; count++, delay = Math.min(delay * 2, longestDelay)) {
    try {
      const result = await work();
      state.lastError = null;
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      state.lastError = problemOf(error);
      if (giveUp(error, count)) throw error;
      await sleep(delay);
    }
  }
}

/**
 * Runs work until it ends or `wake` becomes true; then what is pending of it is cancelled and
 * waited for. @throws Interrupted when `wake` came first
 */
export async function unless<T>(wake: () => boolean, work: () => Promise<T>): Promise<T> {
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
    if ((await woken) && isCancellation(error)) throw new Interrupted();
    throw error;
  } finally {
    waking.cancel();
  }
}
