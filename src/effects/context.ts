import type { MigrationRef } from '../migration/plan/reference.js';
import type { Clients } from '../vitess/clients.js';
import type { KeyspaceLock } from '../vitess/topology/lock.js';
import type { JournalStore } from './journal.js';

/** What an effect needs: the clients, the migration's journal, and the proof that its locks are held. */
export interface EffectContext {
  readonly clients: Clients;
  readonly ref: MigrationRef;
  readonly journals: JournalStore;
  /** The lock of the target keyspace. A step holds the named lock of its workflow as well. */
  readonly locks: KeyspaceLock;
  /** To be called before each effect. @throws MigrationError LOCK_LOST, CancelledFailure */
  beforeEffect(): Promise<void>;
}
