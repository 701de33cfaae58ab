import { AsyncLocalStorage } from 'node:async_hooks';
import { MigrationError, type Place } from '../migration/problem/errors.js';

/**
 * A right to work that ends by itself when this process stands still for too long: a lock, whose lease runs out, or an
 * activity, which Temporal gives to another worker.
 */
export interface Claim {
  /** Asks nobody but this machine's clocks. @throws MigrationError LOCK_LOST when it may have ended */
  assert(): void;
  /** The key of a lock: in the store that has it, a write can be made to depend on it. */
  readonly lock?: LockKey;
}

/** A key of the store at `server`, to which this program has the rights that a cluster gives it. */
export interface LockKey {
  cluster: string;
  server: string;
  key: string;
}

const held = new AsyncLocalStorage<readonly Claim[]>();

/** Runs `work`, whose calls to servers go out only while these claims hold, and those that there are already. */
export function underClaims<T>(claims: readonly Claim[], work: () => Promise<T>): Promise<T> {
  return held.run([...currentClaims(), ...claims], work);
}

/** Runs work that others share, whose claims are not these. */
export function withoutClaims<T>(work: () => Promise<T>): Promise<T> {
  return held.run([], work);
}

/** The keys of the locks that a store has itself, of those under which this runs. */
export function locksIn(store: Omit<LockKey, 'key'>): string[] {
  return currentClaims().flatMap(({ lock }) =>
    lock?.server === store.server && lock.cluster === store.cluster ? [lock.key] : [],
  );
}

/**
 * To be called where nothing is waited for any more before a call goes out: a process can be stopped after it has
 * asked whether its lock is held, and go on when another one holds it.
 * @throws MigrationError LOCK_LOST
 */
export function assertClaims(): void {
  for (const claim of currentClaims()) claim.assert();
}

function currentClaims(): readonly Claim[] {
  return held.getStore() ?? [];
}

export function claimLost(what: string, place: Place, cause?: unknown): MigrationError {
  return new MigrationError('LOCK_LOST', what, place, 'the step is run again', cause === undefined ? {} : { cause });
}

/** The time since a moment. One clock stands still while the machine sleeps, the other one can be set back. */
export class Stopwatch {
  private readonly began = performance.now();
  private readonly beganAt = Date.now();

  /** Milliseconds, by the clock that has gone further. */
  get elapsed(): number {
    return Math.max(performance.now() - this.began, Date.now() - this.beganAt);
  }
}
