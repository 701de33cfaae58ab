import type { MigrationRef } from '../migration/plan/reference.js';
import type { ShardFacts } from '../migration/plan/facts.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import type { JournalStore } from './journal.js';

/** What an effect needs: the clients and the migration's journal. A step holds the named locks of its workflows. */
export interface EffectContext {
  readonly clients: Clients;
  readonly ref: MigrationRef;
  readonly journals: JournalStore;
  /** To be called before each effect. @throws MigrationError LOCK_LOST, CancelledFailure */
  beforeEffect(): Promise<void>;
}

/** A target shard of a plan, and its primary. */
export interface TargetShard {
  shard: ShardFacts;
  tablet: TabletHandle;
}
