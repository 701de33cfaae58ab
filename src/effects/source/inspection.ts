import type { ShardFacts, SourceTable, SourceTablet, VSchemaFacts } from '../../migration/plan/facts.js';
import type { TableFacts } from '../../migration/plan/table-facts.js';
import type { StreamAccountFacts, Unmapped } from '../../migration/preflight/facts.js';
import type { Place } from '../../migration/problem/errors.js';

/** An open transaction that has locked or changed rows. */
export interface OpenTransaction {
  id: string;
  seconds: number;
  thread: string;
}

/** How far a replica is behind, in seconds: see `ReplicaFacts`. */
export interface Replication {
  lag: number | undefined;
  delay: number;
}

/**
 * What preflight asks of the keyspace that tables come from; nothing is changed. `Source` is what the later steps
 * use. Another kind of source is another class. Every method throws MigrationError when the source does not answer.
 */
export interface SourceInspection {
  place(more?: { shard?: string; tablet?: string; table?: string }): Place;

  /** Every cell of the cluster. */
  cells(): Promise<string[]>;
  /** Those that cannot be reached, and why. */
  cellsAway(): Promise<{ cell: string; why: string }[]>;
  /** @throws MigrationError KEYSPACE_NOT_FOUND; NO_PRIMARY when no shard serves */
  shards(): Promise<ShardFacts[]>;
  vschema(): Promise<VSchemaFacts>;
  tablets(shard: string): Promise<SourceTablet[]>;

  /** Every base table of a shard. @throws MigrationError BACKTICK_TABLE_NAME */
  tables(shard: string): Promise<SourceTable[]>;
  /** Columns and keys of those of the tables that exist. */
  tableDetails(shard: string, names: readonly string[]): Promise<TableFacts[]>;
  views(shard: string): Promise<string[]>;
  /** The largest value of a column of whole numbers; undefined when there is no row. */
  largest(shard: string, table: string, column: string): Promise<bigint | undefined>;

  /** Why Vitess would pass over a tablet; empty when it would take it. */
  health(tablet: SourceTablet): Promise<string>;
  /** Opens and closes a stream of changes. @throws MigrationError when the tablet cannot stream */
  openStream(tablet: SourceTablet): Promise<void>;
  variables(tablet: SourceTablet, names: readonly string[]): Promise<Record<string, string>>;
  version(tablet: SourceTablet): Promise<string>;
  /** True when a column has a value of a kind. @throws MigrationError TABLET_CALL_FAILED when it cannot tell in time */
  holds(tablet: SourceTablet, table: string, column: string, kind: Unmapped): Promise<boolean>;
  transactions(tablet: SourceTablet): Promise<OpenTransaction[]>;
  /** Undefined for a MySQL that is no replica. */
  replication(tablet: SourceTablet): Promise<Replication | undefined>;

  /** The account that the tablets of a shard use for streams, with its privileges. */
  streamAccount(shard: string): Promise<StreamAccountFacts>;
}
