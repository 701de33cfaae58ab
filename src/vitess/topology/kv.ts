import type { Claim } from '../claims.js';

/** A record with the revision that a later write compares. Revisions are 64-bit: decimal strings. */
export interface Entry {
  key: string;
  value: Uint8Array;
  revision: string;
}

/** An entry without its value. */
export type Head = Omit<Entry, 'value'>;

/** The revision to compare with when a key must not exist yet. */
export const absent = '0';

/** A lock that is held: see `lock.ts`. */
export interface Lease extends Claim {
  /** @throws MigrationError LOCK_LOST when the lease has run out */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * What vtmigrate needs of the key-value store under a topology. Every method throws MigrationError TOPO_UNREACHABLE
 * when the store does not answer within its deadline. Changes also throw LOCK_LOST, with nothing done, when a claim
 * under which they run has ended (see `claims.ts`): by the clock and, for a lock of the same store, by the store.
 */
export interface Kv {
  readonly server: string;
  get(key: string): Promise<Entry | undefined>;
  /** In the order of their keys. */
  list(prefix: string): Promise<Entry[]>;
  /** The keys and revisions alone, in the order of their keys: the values of many tables are large. */
  heads(prefix: string): Promise<Head[]>;
  /** Writes if the key still has `revision` (`absent`: does not exist). False when it has not. */
  put(key: string, value: Uint8Array, revision: string): Promise<boolean>;
  /**
   * Deletes if the key still has `revision`. False when it has not.
   * @param below a prefix: all keys that have it are deleted with the key, or none
   */
  delete(key: string, revision: string, below?: string): Promise<boolean>;
  /**
   * Waits until the key `<dir>/locks/<lease>` is the oldest below `<dir>/locks/`.
   * @throws MigrationError LOCKED with the holder's contents when `timeoutMs` have passed
   */
  lock(dir: string, contents: string, timeoutMs: number): Promise<Lease>;
  close(): void;
}
